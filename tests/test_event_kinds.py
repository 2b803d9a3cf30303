"""Every kind of event is emitted in its situation, and carries what people look for in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maf_core import AgentSpec
from maf_core.agents.signals import AgentSignal
from maf_core.agents.specialist import SpecialistAgent
from maf_core.arenas.config import ArenaConfig
from maf_core.plane.commands import Command, send
from maf_core.service import Service
from maf_core.sources.base import SourceResult
from maf_core.streams import codec
from maf_core.streams.events import EVENT_KINDS
from maf_core.streams.names import EVENTS
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

SAYS = {"name": "a", "role": "voice", "sources": ["bars"]}
DECIDE = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}
ASKING = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis", "model": "ollama:qwen3:8b"}]}
LOOK = {"name": "look", "agents": [SAYS]}
BARS = {"bars": {"source": "prices"}}

# What is asked for, which arena it runs, and which events tell of it: a kind with a part of its payload.
SITUATIONS: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "a run that goes well": (
        {"phases": [LOOK, DECIDE], "sources": BARS},
        [
            ("control.command", {"command": "run_arena", "source": "test"}),
            ("control.ack", {"status": "accepted"}),
            ("arena.start", {"target": {"ticker": "AAPL", "trade_date": "2024-03-01"}}),
            ("phase.start", {"pattern": "sequential"}),
            ("agent.start", {"agent": "a"}),
            ("source.fetch", {"binding": "bars", "source": "prices", "success": True, "result_bytes": 5}),
            ("agent.signal", {"agent": "a", "signal": "BULLISH", "confidence": 0.8}),
            ("agent.complete", {"agent": "a"}),
            ("phase.complete", {}),
            ("arena.complete", {}),
            ("decision.emit", {"verdict": "BUY"}),
            ("action.emit", {"verdict": "BUY", "ticker": "AAPL"}),
            ("control.ack", {"status": "completed"}),
        ],
    ),
    "a source that fails": (
        {"phases": [LOOK, DECIDE], "sources": {"bars": {"source": "broken"}}},
        [("source.error", {"source": "broken"}), ("source.fetch", {"source": "broken", "success": False})],
    ),
    "an agent that fails": (
        {"phases": [{"name": "look", "agents": [{"name": "a", "role": "breaks"}]}, DECIDE]},
        [("agent.error", {"agent": "a", "error": "ValueError: I fail"})],
    ),
    "a phase that takes too long": (
        {"phases": [{"name": "look", "timeout_s": 0.05, "agents": [{"name": "a", "role": "sleeps"}]}, DECIDE]},
        [("phase.error", {}), ("agent.error", {"agent": "a"})],
    ),
    "a run that fails": (
        {"phases": [{"name": "look", "agents": [{"name": "a", "role": "mute"}]}]},
        [("arena.error", {}), ("control.ack", {"status": "failed"})],
    ),
    "a model that answers": (
        {"phases": [LOOK, ASKING], "sources": BARS},
        [("llm.call", {"agent": "verdict", "model": "ollama:qwen3:8b", "recorded": False})],
    ),
    "a model that is not there": (
        {
            "phases": [
                LOOK,
                {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis", "model": "ollama:none"}]},
            ],
            "sources": BARS,
        },
        [("llm.error", {"agent": "verdict", "model": "ollama:none"})],
    ),
    "another arena's name": (
        {"name": "other", "phases": [DECIDE]},
        [("control.command", {"command": "run_arena"}), ("control.ack", {"status": "rejected"})],
    ),
}


class Voice(SpecialistAgent):
    """A specialist that likes what it sees."""

    def routine(self, data, state) -> AgentSignal:
        return AgentSignal(signal="BULLISH", confidence=0.8)


@pytest.fixture
def parts(load, source, role):
    """Sources and agents that do and do not work."""

    async def prices(query):
        return SourceResult(1.0, size_bytes=5)

    async def broken(query):
        raise ConnectionError("no")

    async def breaks(agent, state, context):
        raise ValueError("I fail")

    async def sleeps(agent, state, context):
        await asyncio.sleep(60)

    async def mute(agent, state, context):
        return {}

    roles = {"breaks": breaks, "sleeps": sleeps, "mute": mute}
    return load(
        source("prices", prices),
        source("broken", broken),
        AgentSpec(name="voice", factory=Voice),
        *(role(name, run) for name, run in roles.items()),
    )


@pytest.fixture
def events_of(redis, make_context, parts, ollama):
    """Ask a service for a run of this arena; gives all events from its start to its end."""

    async def drive(arena: dict[str, Any]) -> list[dict[str, Any]]:
        ollama.rules["qwen3:8b"] = {"verdict": "BUY", "reasoning": "so it is"}
        llm = {"providers": {"ollama": {"base_url": ollama.url}}}
        made = ArenaConfig.model_validate({"name": "panel", **arena})
        context = make_context(plugins=parts, arenas=[made], llm=llm)
        stop = asyncio.Event()
        seen: list[dict[str, Any]] = []
        with context.events.observed_by(seen.append):
            service = asyncio.create_task(Service(context).run(stop))
            target = {"ticker": "AAPL", "trade_date": "2024-03-01"}
            await send(redis, Command(command="run_arena", arena="panel", target=target, source="test"))
            ended = ("completed", "failed", "rejected")
            await wait_until(lambda: [e for e in seen if e["payload"].get("status") in ended])
            stop.set()
            await service
        await context.llm.aclose()
        return [codec.decode(fields) for _, fields in entries(await redis.xrange(EVENTS))]

    return drive


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_what_happens_is_told(events_of, situation):
    arena, expected = SITUATIONS[situation]
    told = [(event["kind"], event["payload"]) for event in await events_of(arena)]
    for kind, part in expected:
        matching = [payload for name, payload in told if name == kind and part.items() <= payload.items()]
        assert matching, f"no {kind} with {part} among {[item for item in told if item[0] == kind]}"
    assert {kind for kind, _ in told} <= set(EVENT_KINDS)
    assert "system.status" in {kind for kind, _ in told}


def test_every_kind_has_its_situation():
    told = {kind for _, expected in SITUATIONS.values() for kind, _ in expected} | {"system.status"}
    assert set(EVENT_KINDS) - told == set()
