"""Recorded models: asked once for real, then from the file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.llm.session.scripted import GOOD, Verdict

from maf_core.errors import NoModelError
from maf_core.testing.ollama import Reply, ToolCall

pytest_plugins = ["pytester"]
MODEL = "recorded:ollama:gpt-oss:20b"


@pytest.fixture
def recorded(ollama, process, question, recorded_llm, tmp_path, monkeypatch):
    """Ask for a verdict through the recordings in a file of the test's folder."""
    ollama.rules["gpt-oss:20b"] = Reply(tool_calls=[ToolCall("final_result", GOOD)], tokens_in=210, tokens_out=57)
    path = tmp_path / "answers" / "panel.json"

    async def ask(prompt: str, *, record: bool):
        monkeypatch.setenv("MAF_RECORD", "1" if record else "0")
        at = process(recorded_llm(path, []), model=MODEL, providers={"ollama": {"base_url": ollama.url}})
        return await at.session.ask(question(prompt)), at

    return ask, path


async def test_what_was_recorded_is_answered_without_the_model(recorded, ollama):
    ask, _ = recorded
    first, _ = await ask("Which way?", record=True)
    again, at = await ask("Which way?", record=False)
    assert first == again
    assert again.value == Verdict(**GOOD)
    assert len(ollama.calls) == 1
    told = at.session.usage()
    assert (told["tokens_in"], told["tokens_out"], told["models"]) == (210, 57, [MODEL])


async def test_recording_again_asks_only_what_is_missing(recorded, ollama):
    ask, path = recorded
    await ask("Which way?", record=True)
    await ask("Which way?", record=True)
    await ask("And now?", record=True)
    assert len(ollama.calls) == 2
    assert len(json.loads(path.read_text())) == 2


async def test_the_file_is_for_people_and_holds_no_time_and_no_address(recorded, ollama):
    ask, path = recorded
    await ask("Which way?", record=True)
    text = path.read_text()
    (answer,) = json.loads(text).values()
    assert answer["model"] == "ollama:gpt-oss:20b"
    assert "Which way?" in text
    assert ollama.url not in text
    assert "timestamp" not in text


def test_a_question_that_was_never_recorded_fails_the_test_with_the_command(pytester):
    pytester.makepyfile(
        """
        import pytest
        from maf_core.errors import LLMError
        from maf_core.arenas.config import BudgetConfig
        from maf_core.llm.base import Question
        from pydantic import BaseModel

        class Verdict(BaseModel):
            side: str

        class NothingKept:
            async def answered(self, kind, request, ask):
                return await ask()

        async def test_it(recorded_llm, make_context, tmp_path):
            plugins = recorded_llm(tmp_path / "panel.json", [])
            context = make_context(plugins, llm={"model": "recorded:ollama:gpt-oss:20b"})
            session = context.llm.session(arena="a", arena_id="a-1", model=None, budget=BudgetConfig(),
                                          recorder=NothingKept(), emit=lambda kind, **payload: None)
            with pytest.raises(LLMError, match="MAF_RECORD=1"):  # an agent would abstain, and the test go on
                await session.ask(Question("analyst", "Judge.", "Which way?", Verdict))
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*panel.json has no answer of ollama:gpt-oss:20b to 'Which way?'*MAF_RECORD=1*"])


async def test_the_error_says_how_to_record(process, question, tmp_path):
    from maf_core.llm.providers import Providers
    from maf_core.plugins import PluginManager, Selection
    from maf_core.testing.recorded import Recordings, recorded_plugin

    recordings = Recordings(tmp_path / "none.json")
    plugin = recorded_plugin(recordings, lambda settings: Providers(settings, plugins))
    plugins = PluginManager.load(Selection(), [plugin])
    with pytest.raises(NoModelError, match=r"none\.json has no answer.*MAF_RECORD=1"):
        await process(plugins, model=MODEL).session.ask(question())
    assert len(recordings.missing) == 1


def test_the_example_in_the_docs_runs(pytester):
    root = Path(__file__).parents[3]
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "llm.md").read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "recorded_llm" in block]
    pytester.makepyfile(example)
    (pytester.path / "my_arena.yaml").write_text((root / "tests" / "docs" / "minimal_arena.yaml").read_text())
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=1)
