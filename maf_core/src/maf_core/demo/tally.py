"""Count what went through the streams. The figures are what any consumer would find there, not what workers claim."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, DECISIONS, EXECUTIONS, OUTCOMES, arena_output
from maf_core.streams.raw import entries, text

_PAGE = 1000
FORECASTS_EMITTED = "kronos:forecasts:emitted"
FORECAST_TOTALS = "maf:refresher:kronos:totals"


@dataclass(slots=True)
class ArenaTally:
    """One arena's way from triggers to executions."""

    triggers_fired: int = 0
    runs_completed: int = 0
    runs_failed: int = 0
    envelopes: int = 0
    actions: int = 0
    decisions: int = 0
    executions_approved: int = 0
    executions_rejected: int = 0
    executions_pending: int = 0


@dataclass(slots=True)
class Tally:
    """Everything the streams hold."""

    arenas: dict[str, ArenaTally] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    predictions: Counter[str] = field(default_factory=Counter)
    forecasts: int = 0
    forecasts_emitted: int = 0
    forecast_backend: str = ""
    model_used: str = ""
    decisions_digest: str = ""


async def tally(redis: Redis, arenas: Iterable[str]) -> Tally:
    """Read all streams from end to end."""
    found = Tally({name: ArenaTally() for name in arenas})
    await _count_commands(redis, found)
    await _count_envelopes(redis, found)
    await _count_decisions(redis, found)
    found.outcomes = Counter([str(outcome.get("kind", "")) async for outcome in payloads(redis, OUTCOMES)])
    await _count_forecasts(redis, found)
    return found


def complaints(name: str, arena: ArenaTally) -> list[str]:
    """What does not add up in one arena.

    Every trigger must be found again as a run, an envelope and an action or decision, every action as an execution.
    """
    executions = arena.executions_approved + arena.executions_rejected + arena.executions_pending
    stages = {
        "runs": arena.runs_completed + arena.runs_failed,
        "envelopes": arena.envelopes,
        "actions and decisions": arena.actions + arena.decisions,
    }
    wrong = [
        f"{name}: {arena.triggers_fired} triggers fired, but {count} {stage}"
        for stage, count in stages.items()
        if count != arena.triggers_fired
    ]
    if executions != arena.actions:
        wrong.append(f"{name}: {arena.actions} actions, but {executions} executions")
    return wrong if arena.triggers_fired else [f"{name}: no trigger fired", *wrong]


def digest(rows: Iterable[tuple[str, str, str, float, float]]) -> str:
    """SHA-256 over (ticker, date, verdict, confidence, score) of every decision, in sorted order."""
    lines = sorted(
        f"{ticker}|{date}|{verdict}|{confidence:.6f}|{score:.6f}" for ticker, date, verdict, confidence, score in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


async def payloads(redis: Redis, stream: str) -> AsyncIterator[dict[str, Any]]:
    """All payloads of a stream, oldest first."""
    last = "-"
    while page := entries(await redis.xrange(stream, min=last, count=_PAGE)):
        for entry_id, fields in page:
            yield codec.decode(fields)
            last = f"({entry_id}"


async def forecasts_made(redis: Redis) -> int:
    """How often the forecast service was asked and answered."""
    return int(text(await redis.hget(FORECAST_TOTALS, "forecasts") or 0))


async def _count_commands(redis: Redis, found: Tally) -> None:
    arena_of: dict[str, str] = {}
    async for command in payloads(redis, CONTROL_IN):
        if command.get("source") == "trigger" and command.get("arena") in found.arenas:
            arena_of[command["command_id"]] = command["arena"]
            found.arenas[command["arena"]].triggers_fired += 1
    async for answer in payloads(redis, CONTROL_OUT):
        arena = found.arenas.get(arena_of.get(answer["command_id"], ""))
        if arena is not None and answer["status"] == "completed":
            arena.runs_completed += 1
        elif arena is not None and answer["status"] == "failed":
            arena.runs_failed += 1


async def _count_envelopes(redis: Redis, found: Tally) -> None:
    for name, arena in found.arenas.items():
        arena.envelopes = await redis.xlen(arena_output(name))
        async for envelope in payloads(redis, arena_output(name)):
            found.model_used = str(envelope.get("meta", {}).get("model_used", "")) or found.model_used
            if "prediction" in envelope:
                found.predictions[str(envelope.get("decision_kind", ""))] += 1


async def _count_decisions(redis: Redis, found: Tally) -> None:
    rows = []
    async for action in payloads(redis, ACTIONS):
        found.verdicts[action["verdict"]] += 1
        sizing, target = action["sizing"], action["target"]
        rows.append(
            (target["ticker"], target["trade_date"], action["verdict"], sizing["confidence"], sizing["ensemble_score"])
        )
        if action["arena"] in found.arenas:
            found.arenas[action["arena"]].actions += 1
    found.decisions_digest = digest(rows)
    async for decision in payloads(redis, DECISIONS):
        if decision["arena"] in found.arenas:
            found.arenas[decision["arena"]].decisions += 1
    async for execution in payloads(redis, EXECUTIONS):
        arena = found.arenas.get(execution["action"]["arena"])
        if arena is not None:
            status = execution["status"].removesuffix("_approval")
            setattr(arena, f"executions_{status}", getattr(arena, f"executions_{status}") + 1)


async def _count_forecasts(redis: Redis, found: Tally) -> None:
    found.forecasts = await forecasts_made(redis)
    found.forecasts_emitted = await redis.xlen(FORECASTS_EMITTED)
    newest = entries(await redis.xrevrange(FORECASTS_EMITTED, count=1))
    if newest:
        found.forecast_backend = str(codec.decode(newest[0][1]).get("backend", ""))
