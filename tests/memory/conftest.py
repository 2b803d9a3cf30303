"""Arenas that remember, on the real backend of the plugin mastermind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from maf_core import Memory, MemoryBackendSpec
from maf_core.context import AppContext

BM25 = MemoryBackendSpec(name="bm25", factory="maf_plugin_mastermind.memory:Bm25Memory")
PHASES = [
    {"name": "look", "agents": [{"name": "a", "role": "speaker", "options": {"signal": "BULLISH", "confidence": 0.8}}]},
    {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]},
]


@pytest.fixture
def remembering(make_context, load, panel, speaker) -> Callable[..., AppContext]:
    """An application with the arena `panel`, whose one specialist is always bullish.

    `remembering(backend=spec, memory={...}, arenas=[...])`: by default its memory is `bm25`, recalling three.
    """

    def make(*records: Any, backend: MemoryBackendSpec = BM25, **arena: Any) -> AppContext:
        memory = {"backend": backend.name, "recall": 3}
        arenas = [panel(*PHASES, **{"memory": memory, **arena})]
        return make_context(plugins=load(speaker, backend, *records), arenas=arenas)

    return make


@pytest.fixture
def memory() -> Callable[..., Memory]:
    """A decision of 2024-01-02 21:00 about AAPL."""

    def make(**changes: Any) -> Memory:
        decided = {
            "arena_id": "panel-1",
            "arena": "panel",
            "target": {"ticker": "AAPL"},
            "as_of": datetime(2024, 1, 2, 21, tzinfo=UTC),
            "situation": "target: ticker AAPL",
            "verdict": "BUY",
            "confidence": 0.8,
        }
        return Memory.model_validate(decided | changes)

    return make
