"""`maf llm` and the row of `maf doctor`, against a real server, with Redis away."""

from __future__ import annotations

import json
import sys
import time

import pytest

from maf_core.cli import root
from maf_core.llm.rankings import ModelScores, Rankings, ScoresPart
from maf_core.llm.rankings_cache import FILE_NAME
from maf_core.testing.ollama import Fault, OllamaServer, Reply

AWAY = "http://127.0.0.1:1"
INSTALL = "Run: pip install 'maf[llm]'"


@pytest.fixture
def config(tmp_path, ollama, monkeypatch):
    """A config folder after these lines under `llm:`."""
    monkeypatch.setenv("MAF_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("MAF_PLUGINS", "")
    monkeypatch.setenv("MAF_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("MAF_DATA_DIR", str(tmp_path / "data"))

    def write(url: str = ollama.url, **llm) -> None:
        content = {"llm": {"providers": {"ollama": {"base_url": url}}, **llm}}
        (tmp_path / "maf.yaml").write_text(json.dumps(content))

    write()
    return write


@pytest.fixture
def maf_here(capsys, monkeypatch):
    """Run `maf …` in this process: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["maf", *arguments])
        with pytest.raises(SystemExit) as caught:
            root.run()
        said = capsys.readouterr()
        return caught.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def not_installed(monkeypatch):
    """As if the extra were not there."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("pydantic_ai", "openai", "httpx")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("pydantic_ai", "openai", "httpx"):
        monkeypatch.setitem(sys.modules, name, None)


class TestPick:
    def test_the_model_that_a_profile_means(self, config, maf_here):
        assert maf_here("llm", "pick", "judge") == (0, "ollama:gpt-oss:120b-cloud\n", "")

    @pytest.mark.parametrize("wanted", ["tier:quick", "gpt-oss:20b", "ollama:gpt-oss:20b", "profile:mine"])
    def test_whatever_an_arena_may_name(self, config, maf_here, wanted):
        config(profiles={"mine": ["gpt-oss:20b"]})
        assert maf_here("llm", "pick", wanted)[:2] == (0, "ollama:gpt-oss:20b\n")

    def test_the_whole_story(self, config, maf_here):
        code, said, _ = maf_here("llm", "pick", "narrative", "--explain")
        lines = said.splitlines()
        assert code == 0
        assert lines[0].startswith(
            "ollama:gpt-oss:120b-cloud  profile narrative: glm-4.7 is not offered by ollama; glm-5.2"
        )
        assert "ollama: 3 models offered" in lines
        assert lines[-1].startswith("rankings: not used")

    def test_as_json(self, config, maf_here):
        said = json.loads(maf_here("llm", "pick", "judge", "--json")[1])
        assert (said["wanted"], said["model"]) == ("profile:judge", "ollama:gpt-oss:120b-cloud")
        first, second = said["candidates"]
        assert first == {
            "model": "ollama:gpt-oss:120b-cloud",
            "provider": "ollama",
            "name": "gpt-oss:120b-cloud",
            "reason": "profile judge: first of 7",
        }
        assert second["model"] == "ollama:gpt-oss:20b"

    def test_a_server_that_is_away_is_said(self, config, maf_here):
        config(url=AWAY)
        code, said, _ = maf_here("llm", "pick", "judge", "--explain")
        assert code == 0
        assert f"taken unseen: Nobody answers at {AWAY}/api/tags" in said

    def test_an_unknown_profile_is_asked_wrongly(self, config, maf_here):
        code, _, error = maf_here("llm", "pick", "juge")
        assert code == 2
        assert error.startswith("maf: There is no profile 'juge'; there are quick, deep, synthesis, judge")


class TestCheck:
    def test_a_model_that_answers(self, config, maf_here, ollama):
        ollama.rules["gpt-oss:20b"] = {"percent": 5}
        code, said, error = maf_here("llm", "check", "ollama:gpt-oss:20b")
        assert (code, error) == (0, "")
        assert said.startswith("ollama:gpt-oss:20b answered 5 by tool call in ")
        assert "tokens in" in said

    def test_a_local_model_answers_by_schema(self, config, maf_here, ollama):
        said = json.loads(maf_here("llm", "check", "ollama:qwen3:8b", "--json")[1])
        assert (said["model"], said["how"]) == ("ollama:qwen3:8b", "schema")
        assert (said["tokens_in"], said["tokens_out"]) == (ollama.calls[0].tokens_in, ollama.calls[0].tokens_out)

    def test_by_default_the_configured_one(self, config, maf_here):
        config(model="profile:judge")
        assert maf_here("llm", "check")[1].startswith("ollama:gpt-oss:120b-cloud answered")

    def test_the_candidates_of_a_profile_in_turn(self, config, maf_here, ollama):
        ollama.rules["gpt-oss:120b-cloud"] = Fault.subscription()
        code, said, error = maf_here("llm", "check", "profile:judge")
        assert code == 0
        assert "gpt-oss:120b-cloud did not answer. The server refuses this model (403): this model requires" in error
        assert said.startswith("ollama:gpt-oss:20b answered")

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            (Fault.unauthorized(), "set OLLAMA_API_KEY, or run `ollama signin`"),
            (Fault.server_error(), "The server failed (500): Internal Server Error"),
            (Fault.busy(), "server busy"),
            (Reply("5 percent"), "do not fit what was asked for"),
            (Reply(cut_after=0), "connection broke"),
        ],
    )
    def test_one_that_does_not_is_a_sentence_and_exit_1(self, config, maf_here, ollama, rule, words):
        ollama.rules["*"] = rule
        self.refuses(maf_here, words)

    def test_one_that_is_silent_is_given_up(self, config, maf_here, ollama):
        config(call_timeout_s=0.2)
        ollama.rules["*"] = Reply(delay_s=30)
        self.refuses(maf_here, "did not answer in time")

    def refuses(self, maf_here, words):
        code, said, error = maf_here("llm", "check", "ollama:gpt-oss:20b")
        assert (code, said) == (1, "")
        assert words in error
        assert error.splitlines()[-1].endswith("See what is offered: maf llm models")

    def test_no_model_configured_is_exit_1(self, config, maf_here):
        code, _, error = maf_here("llm", "check")
        assert (code, error) == (
            1,
            'maf: No model is configured: llm.model is "rules". Try one: maf llm check ollama:gpt-oss:20b\n',
        )

    def test_a_misspelt_provider_is_told_what_there_is(self, config, maf_here):
        code, _, error = maf_here("llm", "check", "olama:gpt-oss:20b")
        assert (code, "Offered are ollama:gpt-oss:20b, " in error) == (1, True)


class TestModels:
    def test_a_table(self, config, maf_here):
        code, said, _ = maf_here("llm", "models")
        assert code == 0
        lines = said.splitlines()
        assert lines[0].split() == ["MODEL", "CONTEXT", "USD", "IN/OUT", "CAN"]
        assert lines[1].split() == ["ollama:gpt-oss:20b", "131072", "-", "completion,", "tools,", "thinking"]

    def test_as_json(self, config, maf_here):
        said = json.loads(maf_here("llm", "models", "--json")[1])
        assert [model["name"] for model in said["models"]] == ["gpt-oss:20b", "gpt-oss:120b-cloud", "qwen3:8b"]
        assert said["problems"] == {}

    def test_nobody_there_is_exit_1(self, config, maf_here):
        config(url=AWAY)
        code, said, error = maf_here("llm", "models")
        assert (code, said) == (1, "")
        assert "Nobody answers at" in error


class TestRankings:
    def test_the_models_on_offer(self, config, maf_here, tmp_path):
        rows = [ModelScores(name="gpt-oss-20B (high)", intelligence=24.5, speed=310)]
        known = Rankings(scores=ScoresPart(rows=rows, fetched_at=time.time(), as_of="2026-11-18"))
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / FILE_NAME).write_text(known.model_dump_json())
        code, said, error = maf_here("llm", "rankings")
        lines = said.splitlines()
        assert code == 0
        assert lines[0].split() == ["MODEL", "INTELLIGENCE", "CODING", "AGENTIC", "SPEED", "TOKENS_A_WEEK"]
        assert lines[1].split() == ["gpt-oss:20b", "24.5", "-", "-", "310", "-"]
        assert lines[-1] == "Source: Artificial Analysis (artificialanalysis.ai), as of 2026-11-18."
        assert error == "No usage rankings: set OPENROUTER_API_KEY, or llm.rankings.openrouter_key.\n"
        as_json = json.loads(maf_here("llm", "rankings", "--json")[1])
        assert as_json["models"][0]["intelligence"] == 24.5

    def test_without_keys_it_says_so_and_exits_1(self, config, maf_here):
        code, said, error = maf_here("llm", "rankings")
        assert (code, said) == (1, "")
        assert "set ARTIFICIAL_ANALYSIS_API_KEY" in error


@pytest.mark.parametrize(
    "arguments",
    [("pick", "judge"), ("check", "ollama:gpt-oss:20b"), ("check", "profile:judge"), ("models",)],
    ids=" ".join,
)
def test_without_the_extra_it_is_the_command_to_type(config, maf_here, not_installed, arguments):
    code, _, error = maf_here("llm", *arguments)
    assert code == 1
    assert INSTALL in error
    assert "Traceback" not in error


class TestDoctor:
    @pytest.fixture
    def row(self, maf_here):
        def look() -> dict:
            found = json.loads(maf_here("doctor", "--redis", "embedded", "--json")[1])
            return next(one for one in found if one["name"] == "llm")

        return look

    def test_no_model_is_fine(self, config, row):
        assert row() == {"name": "llm", "ok": True, "detail": "rules: no model is asked", "fix": row()["fix"]}

    @pytest.mark.parametrize("model", ["ollama:gpt-oss:20b", "profile:quick", "gpt-oss:20b"])
    def test_a_model_that_is_offered(self, config, row, model):
        config(model=model)
        found = row()
        assert found["ok"]
        assert found["detail"].startswith("ollama:gpt-oss:20b is offered (")

    def test_a_model_that_is_not(self, config, row):
        config(model="ollama:gpt-oss:9b")
        found = row()
        assert not found["ok"]
        assert found["detail"] == "ollama:gpt-oss:9b is not offered by ollama; see maf llm models"
        assert "maf llm check" in found["fix"]

    @pytest.mark.parametrize("model", ["ollama:gpt-oss:20b", "profile:quick"])
    def test_nobody_there(self, config, row, model):
        config(url=AWAY, model=model)
        found = row()
        assert not found["ok"]
        assert "Nobody answers at http://127.0.0.1:1/api/tags" in found["detail"]

    def test_a_provider_that_lists_nothing_is_taken_at_its_word(self, config, row, monkeypatch):
        monkeypatch.setenv("DEEPSEEK_API_KEY", "some-key")
        config(model="deepseek:deepseek-chat")
        assert row()["ok"]

    @pytest.mark.parametrize("model", ["olama:gpt-oss", "profile:juge", "deepseek:deepseek-chat"])
    def test_what_nobody_knows_or_is_not_set_up(self, config, row, monkeypatch, model):
        monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
        config(model=model)
        assert not row()["ok"]

    def test_without_the_extra(self, config, row, not_installed):
        config(model="profile:judge")
        assert (row()["ok"], INSTALL in row()["detail"]) == (False, True)


def test_the_cloud_with_a_key_from_the_environment(config, maf_here, monkeypatch):
    with OllamaServer(cloud=True, api_key="sesame") as cloud:
        monkeypatch.setenv("OLLAMA_HOST", cloud.url)
        monkeypatch.setenv("OLLAMA_API_KEY", "sesame")
        monkeypatch.delenv("MAF_CONFIG_DIR")
        code, said, _ = maf_here("llm", "check", "profile:judge")
    assert code == 0
    assert said.startswith("ollama:gpt-oss:120b answered")
