"""The workers that carry something from stream to stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.hostile.reading import ALL, NOW, NUMBERS, Consuming, Payload, Reader, Reading, at_work, symbol
from tests.hostile.sources import bar, report

from maf_core import AppContext
from maf_core.arenas.config import ArenaConfig
from maf_core.control.inbox import GROUP as CONTROL_GROUP
from maf_core.control.inbox import ControlInbox
from maf_core.plane.refusals import recent_refusals
from maf_core.plane.triggers import GROUP as TRIGGERS_GROUP
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.plane.watch import WatchList
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT
from maf_core.streams.publish import publish
from maf_core.streams.raw import entries
from maf_plugin_kronos.refresher import GROUP as KRONOS_GROUP
from maf_plugin_kronos.refresher import KronosRefresher
from maf_plugin_kronos.store import cache_key
from maf_plugin_mirofish.refresher import GROUP as MIROFISH_GROUP
from maf_plugin_mirofish.refresher import MiroFishRefresher
from maf_plugin_mirofish.run_queue import RunQueue

BARS = "trtools2:bars:1d"
REPORTS = "fomo2:reports"
_MANY = 5000

ARENA = ArenaConfig.model_validate(
    {
        "name": "panel",
        "phases": [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}],
        "triggers": [
            {
                "id": "moved",
                "on_stream": "test:moves",
                "when": 'abs(payload.change) > 0.1 and (payload.kind == "move" or "x" in payload.tags)',
                "target": "{payload.symbol}",
            }
        ],
        "memory": {"backend": "bm25"},
    }
)


class _Triggers(Consuming):
    def good(self, number: int) -> Payload:
        about = {"symbol": symbol(number), "change": 0.2, "kind": "move", "tags": ["x"]}
        return {**about, "as_of": NOW.isoformat()}

    async def done(self) -> set[int]:
        commands = [codec.decode(fields) for _, fields in entries(await self.redis.xrange(CONTROL_IN))]
        tickers = [command["target"]["ticker"] for command in commands]
        assert all(tickers.count(symbol(number)) <= 1 for number in NUMBERS)
        return {number for number in NUMBERS if symbol(number) in tickers}


class _Commands(Consuming):
    """What is refused where it comes in is no dead letter, but stands among the refusals."""

    def good(self, number: int) -> Payload:
        about = {"command": "run_arena", "command_id": f"command-{number}", "arena": "panel", "source": "test"}
        target = {"ticker": symbol(number), "trade_date": "2024-03-01"}
        return {**about, "target": target, "action_mode": "manual", "as_of": NOW.isoformat(), "trigger": {"rule": "r"}}

    async def done(self) -> set[int]:
        answers = [codec.decode(fields) for _, fields in entries(await self.redis.xrange(CONTROL_OUT))]
        completed = [answer["command_id"] for answer in answers if answer["status"] == "completed"]
        return {number for number in NUMBERS if completed.count(f"command-{number}") == 1}

    async def bad(self) -> int:
        await super().bad()
        refused = [refusal["entry_id"] for refusal in await recent_refusals(self.redis, _MANY)]
        assert len(set(refused)) == len(refused)
        return len({*refused, *await self.dead()})


class _Bars(Consuming):
    def good(self, number: int) -> Payload:
        return bar(number)

    async def done(self) -> set[int]:
        return {number for number in NUMBERS if await self.redis.get(cache_key(symbol(number), "1d"))}


class _Reports(Consuming):
    def good(self, number: int) -> Payload:
        return report(number)

    async def done(self) -> set[int]:
        queue = RunQueue(self.redis, REPORTS, 1.0)
        return {number for number in NUMBERS if await queue.read(f"r{number}")}


@asynccontextmanager
async def _triggers(context: AppContext) -> AsyncIterator[Reading]:
    worker = TriggerDispatcher(context)
    async with at_work(_Triggers(context, worker, worker.consumer, TRIGGERS_GROUP)) as reading:
        yield reading


@asynccontextmanager
async def _commands(context: AppContext) -> AsyncIterator[Reading]:
    worker = ControlInbox(context)
    async with at_work(_Commands(context, worker, worker.consumer, CONTROL_GROUP)) as reading:
        yield reading


async def _watch(context: AppContext) -> None:
    for number in ALL:
        await WatchList(context.redis).add(symbol(number), "symbol", 1000)


@asynccontextmanager
async def _kronos(context: AppContext) -> AsyncIterator[Reading]:
    """A forecast needs ten bars: all but the last stand on the stream already."""
    await _watch(context)
    await context.clock.hold(NOW)
    for number in ALL:
        for days in range(10, 1, -1):
            await publish(context.redis, BARS, {**bar(number, days), "c": 10 + days / 10})
    worker = KronosRefresher(context)
    async with at_work(_Bars(context, worker, worker._consumer, KRONOS_GROUP)) as reading:
        yield reading


@asynccontextmanager
async def _mirofish(context: AppContext) -> AsyncIterator[Reading]:
    """Nobody simulates here: a report has been handled when it waits to be."""
    await _watch(context)
    await context.clock.hold(NOW)
    worker = MiroFishRefresher(context)
    async with at_work(_Reports(context, worker, worker.consumer, MIROFISH_GROUP)) as reading:
        yield reading


WORKERS = [
    Reader("triggers", "test:moves", _triggers, covers=(TRIGGERS_GROUP,), arenas=(ARENA,)),
    Reader("commands", CONTROL_IN, _commands, covers=(CONTROL_GROUP,), arenas=(ARENA,)),
    Reader("kronos", BARS, _kronos, covers=(KRONOS_GROUP,), settings={"kronos": {"min_bars": 10}}, served=("kronos",)),
    Reader(
        "mirofish", REPORTS, _mirofish, covers=(MIROFISH_GROUP,), settings={"mirofish": {"url": "http://127.0.0.1:9"}}
    ),
]
