"""Every internal key lies in the slot of the stream that it guards: which belongs to which."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from maf_core import Bar, publish
from maf_core.bars import known_at
from maf_core.outbox.trading import set_trading
from maf_core.plane.watch import WatchList
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, EXECUTIONS, OUTCOMES, WATCH
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

BARS = "trtools2:bars:1d"
# Who changes the stream, or the thing, changes these in the same step.
BESIDE = {
    ACTIONS: {"once"},
    CONTROL_IN: {"once", "cooldown"},
    CONTROL_OUT: {"refused", "taken"},
    EXECUTIONS: {"once", "positions", "recent", "revision", "traded", "trading"},
    OUTCOMES: {"paper"},
    WATCH: {"attrs"},
    "probe:in": {"watched"},
    "refresher:kronos": {"lease"},
}
# Each of these is changed by itself, and each run is a key of its own.
ALONE = {"maf:groups", "maf:runs", "maf:streams", "maf:watch", "maf:refresher:kronos:heartbeat"}
MANY = ("maf:run:{", "maf:service:", "maf:arena-definition:")


async def internal_keys(redis) -> tuple[dict[str, set[str]], set[str]]:
    """What lies beside each stream, and the keys that lie beside none."""
    streams = {key.decode() async for key in redis.scan_iter(_type="stream")}
    beside, alone = defaultdict(set), set()
    for key in {key.decode() async for key in redis.scan_iter()} - streams:
        found = re.fullmatch(r"maf:\{(.+?)\}:(\w+).*", key)
        if found:
            assert redis.keyslot(key) == redis.keyslot(found[1])
            beside[found[1]].add(found[2])
        elif not key.startswith(MANY):
            alone.add(key)
    return beside, alone


def action(bar: Bar) -> dict[str, object]:
    """A purchase, decided when this bar became known."""
    return {
        "arena": "probe",
        "arena_id": "bought",
        "correlation_id": "0" * 32,
        "published_at": datetime.now(UTC).isoformat(),
        "target": {"ticker": bar.symbol, "trade_date": "2012-06-01"},
        "verdict": "BUY",
        "mode": "auto",
        "sizing": {"confidence": 0.9, "ensemble_score": 0.5, "size_fraction": 0.1},
        "meta": {"as_of": bar.as_of.isoformat(), "reference_price": bar.c},
    }


def bar(day: int) -> Bar:
    opened = datetime(2012, 6, 1, 4, tzinfo=UTC) + timedelta(days=day)
    return Bar("AAPL", "1d", opened, 100.0, 120.0, 90.0, 100.0, 1e6, known_at(opened, "1d"))


async def test_each_key_lies_beside_the_stream_that_it_guards(redis, serving):
    async with serving():
        await set_trading(redis, "ACTIVE", "me", "")
        await WatchList(redis).add("AAPL", "symbol", 3600, {"why": "test"})
        await publish(redis, "probe:in", {"go": True, "symbol": "AAPL"})
        await publish(redis, CONTROL_IN, {"command": "no such thing"})
        await publish(redis, BARS, bar(0).payload())
        await publish(redis, ACTIONS, action(bar(0)))
        await wait_until(lambda: redis.exists(EXECUTIONS))
        await until_quiet(redis)
        await publish(redis, BARS, bar(1).payload())
        await wait_until(lambda: redis.xlen(OUTCOMES))
        await until_quiet(redis)
        beside, alone = await internal_keys(redis)
        known = {stream: found <= BESIDE.get(stream, set()) for stream, found in beside.items()}
        assert all(known.values()), beside
        assert alone <= ALONE
        assert set(beside) >= {ACTIONS, CONTROL_IN, CONTROL_OUT, EXECUTIONS}
