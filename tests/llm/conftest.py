"""What the tests of models share: an environment without models."""

from __future__ import annotations

import os

import pytest

_MODELS = ("MAF_", "OLLAMA_", "OPENAI_", "OPENROUTER_", "ARTIFICIAL_ANALYSIS_", "ANTHROPIC_")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model, key or address of the developer's."""
    for name in [name for name in os.environ if name.startswith(_MODELS)]:
        monkeypatch.delenv(name)
