"""Every key of an arena's YAML does something: what comes of an arena changes when only that key does.

The keys are enumerated from the model: a new one without a case fails here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin

import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from maf_core import AgentSpec, BaseSource, SourceResult, SourceSpec, publish
from maf_core.agents.signals import AgentSignal
from maf_core.agents.specialist import SpecialistAgent
from maf_core.app import MAFApp
from maf_core.arenas.config import ArenaConfig
from maf_core.checking import check_arena
from maf_core.cli.arena import list_arenas
from maf_core.context import AppContext
from maf_core.errors import ConfigError
from maf_core.memory.base import Memory, MemoryBackend, MemoryQuery, Outcome, Recalled
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.records import MemoryBackendSpec
from maf_core.sources.base import SourceConfig
from maf_core.sources.freshness import FreshnessSpec, StreamFreshness
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_IN, DECISIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running

MODEL = "ollama:qwen3:8b"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
BARS = "test:bars"

PANEL: dict[str, Any] = {
    "name": "panel",
    "sources": {"bars": {"source": "prices"}},
    "phases": [
        {
            "name": "look",
            "pattern": "parallel",
            "agents": [{"name": "a", "role": "reader", "sources": ["bars"]}, {"name": "b", "role": "counter"}],
        },
        {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]},
    ],
}
SLOW = {"phases.0.agents.1.role": "slow"}
LINGERING = {"phases.0.agents.1.role": "lingering"}
ASKING = {"model": MODEL}
REPLAN = {
    "phases.0.agents.1.role": "bear",
    "sources.gone": {"source": "empty", "required": True},
    "phases.0.agents.0.sources": ["bars", "gone"],
    "phases.1.agents.1": {"name": "again", "role": "replan", "options": {"back_to": "look", "min_confidence": 1}},
}
DEBATE = {
    "phases.0": {
        "name": "argue",
        "pattern": "debate",
        "agents": [
            {"name": "bull", "role": "stubborn", "options": {"stance": "BULLISH"}},
            {"name": "bear", "role": "stubborn", "options": {"stance": "BEARISH"}},
        ],
        "judge": {"name": "ruling", "role": "ruler", "options": {"verdict": "BUY"}},
    },
    "phases.1.agents.0": {"name": "mute", "role": "mute"},
}
RULE = {"triggers.0": {"id": "moved", "on_stream": BARS, "when": "payload.c > 10", "target": "{payload.symbol}"}}
NOBODYS = {"sources.gone": {"source": "nobodys", "optional": True}}
NOTES = {"memory": {"backend": "notes"}}


@dataclass(frozen=True)
class Flip:
    """`given`: what the panel has besides. `to`: the key's other value. `seen`: what then is different."""

    seen: str
    to: Any
    given: dict[str, Any] = field(default_factory=dict)
    at: str = ""


FLIPS = {
    "name": Flip("arena", "other"),
    "summary": Flip("listed", "What it decides"),
    "target_key": Flip("outbox", "pr_id"),
    "model": Flip("model", MODEL),
    "action_mode": Flip("mode", "manual"),
    "max_iterations": Flip("iterations", 0, REPLAN),
    "sources.*.source": Flip("signals", "dear_prices", at="sources.bars.source"),
    "sources.*.config": Flip("signals", {"factor": 3}, at="sources.bars.config"),
    "sources.*.optional": Flip("valid", False, NOBODYS, at="sources.gone.optional"),
    "sources.*.required": Flip("iterations", False, REPLAN, at="sources.gone.required"),
    "phases.*.name": Flip("phases", "glance", at="phases.0.name"),
    "phases.*.pattern": Flip("signals", "sequential", at="phases.0.pattern"),
    "phases.*.max_rounds": Flip("turns", 1, DEBATE, at="phases.0.max_rounds"),
    "phases.*.judge": Flip(
        "verdict", {"name": "ruling", "role": "ruler", "options": {"verdict": "SELL"}}, DEBATE, at="phases.0.judge"
    ),
    "phases.*.next": Flip("phases", "end", at="phases.0.next"),
    "phases.*.timeout_s": Flip("abstained", 0.05, SLOW, at="phases.0.timeout_s"),
    "phases.*.agents.*.name": Flip("signals", "z", at="phases.0.agents.0.name"),
    "phases.*.agents.*.role": Flip("signals", "mute", at="phases.0.agents.1.role"),
    "phases.*.agents.*.model": Flip("model", MODEL, at="phases.1.agents.0.model"),
    "phases.*.agents.*.sources": Flip("signals", [], at="phases.0.agents.0.sources"),
    "phases.*.agents.*.options": Flip("verdict", {"threshold": 0.9}, at="phases.1.agents.0.options"),
    "triggers.*.id": Flip("fired", "jumped", RULE, at="triggers.0.id"),
    "triggers.*.on_stream": Flip("fired", "test:other", RULE, at="triggers.0.on_stream"),
    "triggers.*.when": Flip("fired", "payload.c > 100", RULE, at="triggers.0.when"),
    "triggers.*.target": Flip("fired", "{payload.other}", RULE, at="triggers.0.target"),
    "triggers.*.as_of": Flip("fired", "{payload.known}", RULE, at="triggers.0.as_of"),
    "triggers.*.cooldown_s": Flip("fired", 86_400, RULE, at="triggers.0.cooldown_s"),
    "triggers.*.action_mode": Flip("fired", "semi", RULE, at="triggers.0.action_mode"),
    "limits.agent_timeout_s": Flip("abstained", 0.05, SLOW),
    "limits.phase_timeout_s": Flip("abstained", 0.05, SLOW),
    "limits.run_timeout_s": Flip("error", 0.05, SLOW),
    "limits.max_phases": Flip("phases", 1),
    "limits.max_agents_at_once": Flip("agents_at_once", 1, {**LINGERING, "phases.0.agents.0.role": "lingering"}),
    "limits.max_runs_at_once": Flip("runs_at_once", 1, LINGERING),
    "sizing.max_fraction": Flip("sizing", 0.01),
    "sizing.horizon": Flip("sizing", "1d"),
    "budget.run.tokens": Flip("model", 0, ASKING),
    "budget.run.usd": Flip("model", 0, ASKING),
    "budget.run.calls": Flip("model", 0, ASKING),
    "budget.run.seconds": Flip("model", 0, ASKING),
    "budget.day.tokens": Flip("model", 0, ASKING),
    "budget.day.usd": Flip("model", 0, ASKING),
    "budget.day.calls": Flip("model", 0, ASKING),
    "budget.day.seconds": Flip("model", 0, ASKING),
    "budget.sources.*.calls": Flip("gaps", 0, at="budget.sources.bars.calls"),
    "budget.sources.*.seconds": Flip("gaps", 0, at="budget.sources.bars.seconds"),
    "memory.backend": Flip("remembered", "other_notes", NOTES),
    "memory.recall": Flip("recalled", 1, NOTES),
}


def keys_of(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key of the YAML that holds a value, `*` for what the user names or counts."""
    for name, known in model.model_fields.items():
        inner = [part for part in (known.annotation, *get_args(known.annotation)) if _is_model(part)]
        if name == "judge" or not inner:  # a judge is an agent like others
            yield above + name
            continue
        for kind in inner:
            yield from keys_of(kind, f"{above}{name}.{'*.' if get_origin(known.annotation) in (list, dict) else ''}")


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def changed(arena: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The arena with these keys set."""
    arena = deepcopy(arena)
    for path, value in changes.items():
        *above, last = path.split(".")
        part: Any = arena
        for key in above:
            part = part[int(key)] if isinstance(part, list) else part.setdefault(key, [] if key == "triggers" else {})
        if isinstance(part, list):
            part[int(last) : int(last) + 1] = [deepcopy(value)]
        else:
            part[last] = deepcopy(value)
    return arena


class Reader(SpecialistAgent):
    """As sure as its sources' numbers are high."""

    def routine(self, data, state) -> AgentSignal:
        total = sum(answer.data for answer in data.values() if answer.data)
        return AgentSignal(signal="BULLISH", confidence=min(1.0, total))


class AtOnce:
    """How many are inside at one time."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __aenter__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.2)

    async def __aexit__(self, *_: object) -> None:
        self.now -= 1


class Kept:
    """What agents and memories of one look have noticed."""

    def __init__(self) -> None:
        self.agents, self.runs = AtOnce(), AtOnce()
        self.memories: Counter[str] = Counter()


def signal_of(agent, signal: str, confidence: float) -> dict[str, Any]:
    said = {"agent": agent.name, "signal": signal, "confidence": confidence, "domain": ""}
    return {"signals": {agent.name: said}}


def roles_with(kept: Kept) -> dict[str, Any]:
    async def counter(agent, state, context):
        heard = len([signal for signal in state["signals"].values() if signal])
        return signal_of(agent, "BULLISH", 0.5 + heard / 10)

    async def lingering(agent, state, context):
        async with kept.agents, kept.runs if agent.name == "b" else nullcontext():
            return signal_of(agent, "BULLISH", 0.5)

    async def bear(agent, state, context):
        return signal_of(agent, "BEARISH", 0.1)

    async def slow(agent, state, context):
        await asyncio.sleep(0.3)
        return {}

    async def mute(agent, state, context):
        return {}

    async def stubborn(agent, state, context):
        return {"turn": {"stance": agent.options.stance, "argument": "so it is", "confidence": 0.5}}

    async def ruler(agent, state, context):
        return {"synthesis_verdict": agent.options.verdict, "synthesis_confidence": 1.0, "synthesis_score": 1.0}

    return {
        "counter": counter,
        "lingering": lingering,
        "bear": bear,
        "slow": slow,
        "mute": mute,
        "stubborn": stubborn,
        "ruler": ruler,
    }


def notes(name: str, kept: Kept) -> MemoryBackendSpec:
    """A memory that counts what it is told, and recalls as much as it is asked for."""

    class Notes(MemoryBackend):
        def __init__(self, context) -> None: ...

        async def remember(self, memory: Memory) -> None:
            kept.memories[name] += 1

        async def outcome(self, arena_id: str, outcome: Outcome) -> None: ...

        async def recall(self, query: MemoryQuery) -> list[Recalled]:
            old = {"arena": query.arena, "target": {}, "situation": "", "verdict": "BUY", "confidence": 1.0}
            early = query.as_of - timedelta(days=1)
            made = (Memory(arena_id=str(number), as_of=early, **old) for number in range(query.limit))
            return [Recalled(memory, 1.0) for memory in made]

    return MemoryBackendSpec(name=name, factory=Notes)


def numbers(name: str, number: float) -> SourceSpec:
    """A source that always knows the same number, times `factor`."""

    class Config(SourceConfig):
        factor: float = 1.0

    class Numbers(BaseSource):
        @classmethod
        def freshness_spec(cls, config: Any) -> FreshnessSpec:
            return StreamFreshness(f"made:{name}")

        async def fetch(self, query):
            return SourceResult(number * self.config.factor, gaps=() if number else (f"no_{name}",))

    Numbers.Config = Config
    return SourceSpec(name=name, factory=Numbers)


@pytest.fixture
def context_of(make_context, load, role, ollama):
    """The application with one arena, and what its parts notice."""
    ollama.rules["qwen3:8b"] = {"verdict": "BUY", "reasoning": "so it is"}

    def make(arena: dict[str, Any]) -> tuple[AppContext, Kept]:
        kept = Kept()
        plugins = load(
            *(numbers(name, number) for name, number in {"prices": 0.2, "dear_prices": 0.3, "empty": 0.0}.items()),
            *(role(name, run) for name, run in roles_with(kept).items()),
            *(notes(name, kept) for name in ("notes", "other_notes")),
            AgentSpec(name="reader", factory=Reader),
        )
        llm = {"providers": {"ollama": {"base_url": ollama.url}}, "prices": {MODEL: {"input": 1, "output": 1}}}
        return make_context(plugins=plugins, arenas=[ArenaConfig.model_validate(arena)], llm=llm), kept

    return make


def valid(context: AppContext) -> bool:
    try:
        for arena in context.arenas.values():
            check_arena(context.plugins, arena)
    except ConfigError:
        return False
    return True


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


@pytest.fixture
def runs(redis, context_of, request_for):
    """What comes of three runs of an arena at once, by what people look at."""

    async def look(arena: dict[str, Any]) -> dict[str, Any]:
        await redis.flushall()
        context, kept = context_of(arena)
        request = {"arena": arena["name"], "target": {"ticker": "AAPL", "pr_id": 7}}
        app = MAFApp(context)
        run, *_ = await asyncio.gather(*(app.run(request_for(**request)) for _ in range(3)))
        await context.llm.aclose()
        state, actions, decisions = run.state, await payloads(redis, ACTIONS), await payloads(redis, DECISIONS)
        return {
            "arena": run.arena_id.partition("-")[0],
            "valid": valid(context),
            "outbox": (len(actions), len(decisions)),
            "mode": [action["mode"] for action in actions],
            "sizing": [action["sizing"] for action in actions],
            "model": state["llm_model"],
            "verdict": state.get("synthesis_verdict"),
            "signals": state["signals"],
            "abstained": sorted(name for name, why in state["abstentions"].items() if why),
            "phases": [timing["phase"] for timing in state["phase_timings"]],
            "turns": len(state.get("debates", {}).get("argue", {}).get("turns", [])),
            "iterations": state["iteration"],
            "gaps": state.get("gaps"),
            "error": run.error,
            "recalled": len(state.get("memories", [])),
            "remembered": kept.memories,
            "agents_at_once": kept.agents.most,
            "runs_at_once": kept.runs.most,
        }

    return look


@pytest.fixture
def fired(redis, context_of, brisk):
    """The commands that an arena's rules send for three entries."""

    async def look(arena: dict[str, Any]) -> dict[str, Any]:
        await redis.flushall()
        context, _ = context_of(arena)
        async with running(brisk(TriggerDispatcher(context))):
            for c in (5, 50, 60):
                told = {"as_of": NOON.isoformat(), "known": "2024-02-29T12:00:00Z"}
                await publish(redis, BARS, {"symbol": "AAPL", "other": "IBM", "c": c, **told})
            await until_quiet(redis)
        sent = await payloads(redis, CONTROL_IN)
        keys = ("target", "as_of", "action_mode")
        return {"fired": [[*(command[key] for key in keys), command["trigger"]["rule"]] for command in sent]}

    return look


@pytest.fixture
def listed(tmp_path):
    """The line of an arena in `maf arena list`."""
    (tmp_path / "arenas").mkdir()

    async def look(arena: dict[str, Any]) -> dict[str, Any]:
        plain = {key: arena[key] for key in ("name", "summary") if key in arena} | {"phases": PANEL["phases"][1:]}
        (tmp_path / "arenas" / "panel.yaml").write_text(yaml.safe_dump(plain))
        done = await asyncio.to_thread(CliRunner().invoke, list_arenas, ["--config", str(tmp_path)])
        return {"listed": [line for line in done.output.splitlines() if line.startswith("panel")]}

    return look


def test_every_key_has_its_case():
    keys = set(keys_of(ArenaConfig))
    assert sorted(keys - set(FLIPS)) == [], "write a case that shows what these keys do"
    assert sorted(set(FLIPS) - keys) == [], "there are no such keys any more"


@pytest.mark.parametrize("key", FLIPS)
async def test_what_comes_of_an_arena_changes_with(runs, fired, listed, key):
    flip = FLIPS[key]
    look = {"listed": listed, "fired": fired}.get(flip.seen, runs)
    given = changed(PANEL, flip.given)
    before = (await look(given))[flip.seen]
    after = (await look(changed(given, {flip.at or key: flip.to})))[flip.seen]
    assert before != after, f"{key} changes nothing: {flip.seen} is {before}"
