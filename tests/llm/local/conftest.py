"""A local model's server without llama.cpp, for what is not about the model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

STANDIN = Path(__file__).parent / "standin"


@pytest.fixture
def engine(monkeypatch):
    """The stand-in takes the place of llama.cpp, here and in child processes."""
    monkeypatch.syspath_prepend(str(STANDIN))
    monkeypatch.setenv("PYTHONPATH", str(STANDIN))
    yield
    sys.modules.pop("xllamacpp", None)


@pytest.fixture
def gguf(tmp_path) -> str:
    """A file that looks like a model."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF and nothing else")
    return str(path)
