"""The workers of the outbox: what is decided, approved, carried out, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.hostile.reading import ALL, NOW, NUMBERS, Consuming, Payload, Reader, Reading, at_work, symbol
from tests.hostile.sources import bar
from tests.hostile.workers import ARENA, BARS

from maf_core import AppContext, Memory, MemoryQuery
from maf_core.memory.backends import backend_of
from maf_core.outbox.approvals import ApprovalClerk
from maf_core.outbox.execution import ActionConsumer
from maf_core.outbox.gate import RiskGate
from maf_core.outbox.ledger import GROUP as RISK_GROUP
from maf_core.outbox.ledger import open_positions
from maf_core.outbox.models import parse_action
from maf_core.outbox.pending import final
from maf_core.outbox.positions import PositionKeeper
from maf_core.plane.remembering import GROUP as MEMORY_GROUP
from maf_core.plane.remembering import OutcomeKeeper
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, APPROVALS, EXECUTIONS, OUTCOMES
from maf_core.streams.publish import publish
from maf_core.streams.raw import entries
from maf_plugin_paper.broker import BARS_GROUP, PaperBroker
from maf_plugin_paper.broker import GROUP as PAPER_GROUP
from maf_plugin_paper.store import read_accounts

_BEFORE = NOW - timedelta(days=2)


def run_of(number: int) -> str:
    """The run of a good entry."""
    return f"panel-{number}"


def action(number: int, mode: str = "auto") -> Payload:
    """A small BUY of this number's symbol."""
    return {
        "arena": "panel",
        "arena_id": run_of(number),
        "correlation_id": f"c{number}",
        "published_at": _BEFORE.isoformat(),
        "target": {"ticker": symbol(number), "trade_date": "2024-02-28", "exchange": "NYSE"},
        "verdict": "BUY",
        "mode": mode,
        "sizing": {"confidence": 0.8, "ensemble_score": 0.5, "size_fraction": 0.01},
        "meta": {"as_of": _BEFORE.isoformat(), "reference_price": 10.0, "required_gaps": []},
    }


class _Actions(Consuming):
    def good(self, number: int) -> Payload:
        return action(number)

    async def done(self) -> set[int]:
        return {number for number in NUMBERS if await final(self.redis, run_of(number))}


class _Decisions(_Actions):
    def good(self, number: int) -> Payload:
        return {"action_id": run_of(number), "said": "approve", "who": "me", "why": "", "asked_at": NOW.isoformat()}


class _Positions(Consuming):
    def good(self, number: int) -> Payload:
        about = {"kind": "close", "arena": "panel", "arena_id": run_of(number), "ticker": symbol(number)}
        return {**about, "pnl": 1.5, "return": 0.02, "closed_at": NOW.isoformat(), "published_at": NOW.isoformat()}

    async def done(self) -> set[int]:
        held = {position.arena_id for position in await open_positions(self.redis)}
        return {number for number in NUMBERS if run_of(number) not in held}


class _Memories(_Positions):
    async def done(self) -> set[int]:
        query = MemoryQuery("panel", {}, "", NOW + timedelta(days=9999), 100)
        found = await backend_of(self.context, "bm25").recall(query)
        told = {one.memory.arena_id for one in found if one.memory.outcome}
        return {number for number in NUMBERS if run_of(number) in told}


class _Executions(Consuming):
    def good(self, number: int) -> Payload:
        checks = [{"name": "mode", "result": "passed"}]
        return {"action": action(number), "status": "approved", "checks": checks, "published_at": NOW.isoformat()}

    async def done(self) -> set[int]:
        accounts = (await read_accounts(self.redis)).values()
        return {number for number in NUMBERS if any(symbol(number) in account.waiting for account in accounts)}


class _Fills(Consuming):
    def good(self, number: int) -> Payload:
        return bar(number)

    async def done(self) -> set[int]:
        told = [codec.decode(fields) for _, fields in entries(await self.redis.xrange(OUTCOMES))]
        filled = [outcome["arena_id"] for outcome in told if outcome["kind"] == "fill"]
        return {number for number in NUMBERS if filled.count(run_of(number)) == 1}


def _of(reading: type[Consuming], worker: Any, group: str) -> Any:
    @asynccontextmanager
    async def opened(context: AppContext) -> AsyncIterator[Reading]:
        await context.clock.hold(NOW)
        made = worker(context)
        async with at_work(reading(context, made, made.consumer, group)) as found:
            yield found

    return opened


def _after_actions(opened: Any, mode: str = "auto") -> Any:
    """The good entries are about actions that were decided before."""

    @asynccontextmanager
    async def prepared(context: AppContext) -> AsyncIterator[Reading]:
        await context.clock.hold(NOW)
        for number in ALL:
            await RiskGate(context).settle(parse_action(action(number, mode)))
        async with opened(context) as reading:
            yield reading

    return prepared


@asynccontextmanager
async def _memories(context: AppContext) -> AsyncIterator[Reading]:
    backend = backend_of(context, "bm25")
    for number in ALL:
        about = {"arena_id": run_of(number), "arena": "panel", "target": {"ticker": symbol(number)}, "situation": ""}
        await backend.remember(Memory.model_validate({**about, "as_of": _BEFORE, "verdict": "BUY", "confidence": 0.5}))
    async with _of(_Memories, OutcomeKeeper, MEMORY_GROUP)(context) as reading:
        yield reading


@asynccontextmanager
async def _executions(context: AppContext) -> AsyncIterator[Reading]:
    broker = PaperBroker(context)
    async with at_work(_Executions(context, broker, broker.executions, PAPER_GROUP), broker.bars) as reading:
        yield reading


@asynccontextmanager
async def _fills(context: AppContext) -> AsyncIterator[Reading]:
    """Orders wait for the good bars."""
    await context.clock.hold(NOW)
    broker = PaperBroker(context)
    reading = _Fills(context, broker, broker.bars, BARS_GROUP)
    async with at_work(reading, broker.executions):
        for number in ALL:
            about = {"action": action(number), "status": "approved", "checks": []}
            await publish(context.redis, EXECUTIONS, {**about, "published_at": NOW.isoformat()})
        await reading.quiet()
        yield reading


BOOKS = [
    Reader("actions", ACTIONS, _of(_Actions, ActionConsumer, RISK_GROUP), covers=(RISK_GROUP,)),
    Reader(
        "approvals", APPROVALS, _after_actions(_of(_Decisions, ApprovalClerk, RISK_GROUP), "semi"), covers=(RISK_GROUP,)
    ),
    Reader("positions", OUTCOMES, _after_actions(_of(_Positions, PositionKeeper, RISK_GROUP)), covers=(RISK_GROUP,)),
    Reader("memories", OUTCOMES, _memories, covers=(MEMORY_GROUP,), arenas=(ARENA,)),
    Reader("executions", EXECUTIONS, _executions, covers=(PAPER_GROUP,)),
    Reader("fills", BARS, _fills, covers=(BARS_GROUP,)),
]
