"""Whole runs of the arena on the real engine and a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core import AppContext, StreamView
from maf_core.app import MAFApp
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.control.inbox import ControlInbox
from maf_core.plane.commands import Command, send
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_OUT
from maf_core.streams.publish import publish
from maf_core.testing import running, wait_until
from maf_plugin_trading_intelligence.stream import (
    DEFAULT_STREAM_NAME,
    MarketMindDecision,
    TradingIntelligenceEnvelope,
    decode_envelope,
)

Store = Callable[..., Awaitable[None]]
# What the bootstrap says about real daily bars: its 5th, 25th, 50th, 75th and 95th percentile.
FORECASTS = (0.44, 0.49, 0.53, 0.57, 0.63)
KEY = "maf:arena:trading_intelligence:decisions:IBM:2013-02-28"


def request(as_of: Any, command_id: str = "c1", ticker: str = "IBM") -> RunRequest:
    return RunRequest("trading_intelligence", {"ticker": ticker, "trade_date": "2013-02-28"}, as_of, command_id)


async def envelopes(redis: Redis) -> list[TradingIntelligenceEnvelope]:
    found = [decode_envelope(fields) for _, fields in await redis.xrange(DEFAULT_STREAM_NAME)]
    assert None not in found
    return [envelope for envelope in found if envelope]


async def actions(redis: Redis) -> list[dict[str, Any]]:
    return [codec.decode(fields) for _, fields in await redis.xrange(ACTIONS)]


@pytest.fixture
async def full(store: Store, real_bars: list[dict[str, Any]]) -> None:
    """All four sources have something to say."""
    await store("trtools2_bars", real_bars[-260:])
    await store("kronos_forecast", {"prob_up": 0.62, "horizon": 5, "backend": "bootstrap"})
    await store("trtools2_news", [{"headline": "IBM beats estimates, shares surge", "summary": ""}])
    await store("trtools2_strategy_events", [{"strategy": "breakout", "signal": "BUY", "confidence": None}])


async def test_a_run_gives_one_envelope_one_hash_one_action(
    redis: Redis, context: AppContext, full: None, as_of: Any
) -> None:
    run = await MAFApp(context).run(request(as_of))
    assert run.error is None
    [envelope], [action] = await envelopes(redis), await actions(redis)
    assert envelope.decision.synthesis.verdict == "BUY"
    assert [view.agent for view in envelope.decision.agent_signals] == ["forecast", "news", "strategy", "technical"]
    assert envelope.decision.source_metrics.by_source == {
        "trtools2_bars": 1,
        "kronos_forecast": 1,
        "trtools2_news": 1,
        "trtools2_strategy_events": 1,
    }
    assert (envelope.arena_id, envelope.correlation_id) == (run.arena_id, run.correlation_id)
    assert envelope.meta["model_used"] == "rules"
    assert envelope.meta["as_of"] == as_of.isoformat()
    assert envelope.meta["gaps"] == []
    assert action["verdict"] == "BUY"
    assert action["correlation_id"] == envelope.correlation_id
    stored = await redis.hget(KEY, "json")
    assert decode_envelope(stored) == envelope
    assert MarketMindDecision.model_validate_json(stored) == envelope.decision


async def test_a_repeated_command_publishes_nothing_again(
    redis: Redis, context: AppContext, full: None, as_of: Any
) -> None:
    await MAFApp(context).run(request(as_of))
    before = await redis.hgetall(KEY)
    await MAFApp(context).run(request(as_of))
    assert len(await envelopes(redis)) == len(await actions(redis)) == 1
    assert await redis.hgetall(KEY) == before


async def test_a_run_that_is_made_again_after_a_crash_keeps_stream_and_hash_alike(
    redis: Redis, context: AppContext, full: None, as_of: Any
) -> None:
    run = await MAFApp(context).run(request(as_of))
    await redis.delete(KEY, f"maf:run:{{{run.arena_id}}}")
    again = await MAFApp(context).run(request(as_of))
    [envelope] = await envelopes(redis)
    assert envelope.correlation_id == run.correlation_id != again.correlation_id
    assert decode_envelope(await redis.hget(KEY, "json")) == envelope


async def test_without_any_data_everybody_abstains_and_the_envelope_says_so(
    redis: Redis, context: AppContext, as_of: Any
) -> None:
    await MAFApp(context).run(request(as_of))
    [envelope] = await envelopes(redis)
    assert envelope.decision.synthesis.verdict == "HOLD"
    assert envelope.decision.synthesis.confidence == 0
    assert envelope.decision.agent_signals == []
    assert set(envelope.meta["abstained"]) == {"technical", "forecast", "news", "strategy"}
    assert envelope.meta["required_gaps"] == ["no_kronos_forecast", "no_trtools2_bars"]
    assert envelope.meta["iterations"] == 1


async def test_bars_and_a_bearish_forecast_can_sell(
    redis: Redis, context: AppContext, store: Store, as_of: Any
) -> None:
    closes = [200.0 - 0.3 * day + 3 * ((day % 10) / 10) for day in range(260)]
    await store("trtools2_bars", [{"h": c + 1, "l": c - 1, "c": c} for c in closes])
    await store("kronos_forecast", {"prob_up": 0.4, "horizon": 5, "backend": "kronos"})
    await MAFApp(context).run(request(as_of))
    [envelope] = await envelopes(redis)
    assert envelope.decision.synthesis.verdict == "SELL"
    assert set(envelope.meta["abstained"]) == {"news", "strategy"}


async def test_real_bars_with_forecasts_of_either_kind_give_a_mix(
    context: AppContext, store: Store, real_bars: list[dict[str, Any]], as_of: Any
) -> None:
    app = MAFApp(context)
    verdicts: Counter[str] = Counter()
    for number, end in enumerate(range(260, len(real_bars), 5)):
        await store("trtools2_bars", real_bars[end - 260 : end])
        await store("kronos_forecast", {"prob_up": FORECASTS[number % len(FORECASTS)], "backend": "bootstrap"})
        run: FinishedRun = await app.run(request(as_of, f"c{number}"))
        verdicts[run.state["synthesis_verdict"]] += 1
    assert min(verdicts[verdict] for verdict in ("BUY", "HOLD", "SELL")) >= 2, verdicts


async def test_a_command_is_answered_and_decided_once_even_when_sent_twice(
    redis: Redis, context: AppContext, full: None, as_of: Any
) -> None:
    command = Command(command="run_arena", arena="trading_intelligence", target={"ticker": "IBM"}, as_of=as_of)
    async with running(ControlInbox(context)):
        await send(redis, command)
        await publish(redis, "maf:control:in", command.model_dump(mode="json"))
        last = Command(command="ping")
        await send(redis, last)
        answers: StreamView[str] = StreamView(
            redis, CONTROL_OUT, lambda p: [(p["command_id"], 0.0, p["status"])], unique=False
        )

        async def all_answered() -> bool:
            done = await answers.latest(command.command_id, 1, 9)
            pending = await redis.xpending("maf:control:in", "maf:control")
            return "completed" in done and bool(await answers.latest(last.command_id, 1, 9)) and not pending["pending"]

        await wait_until(all_answered)
    assert len(await envelopes(redis)) == len(await actions(redis)) == 1


MOVES = {
    "UP": {"prob_up_delta": 0.06, "direction_flipped": False},
    "DOWN": {"prob_up_delta": -0.06, "direction_flipped": False},
    "FLIPPED": {"prob_up_delta": 0.01, "direction_flipped": True},
    "STILL": {"prob_up_delta": 0.05, "direction_flipped": False},
    "SILENT": {},
    "INTRADAY": {"tf": "1h", "prob_up_delta": 0.2, "direction_flipped": True},
}


async def test_a_forecast_that_moved_sets_a_run_off(redis: Redis, context: AppContext, as_of: Any) -> None:
    stream = "kronos:forecasts:emitted"
    async with running(TriggerDispatcher(context)):
        for symbol, move in MOVES.items():
            await publish(redis, stream, {"symbol": symbol, "tf": "1d", "as_of": as_of.isoformat(), **move})

        async def all_read() -> bool:
            [group] = await redis.xinfo_groups(stream)
            return group["entries-read"] == len(MOVES) and group["pending"] == 0

        await wait_until(all_read)
    commands = [Command.parse(codec.decode(fields)) for _, fields in await redis.xrange("maf:control:in")]
    expected = [{"ticker": ticker, "trade_date": "2013-02-28"} for ticker in ("UP", "DOWN", "FLIPPED")]
    assert [command.target for command in commands] == expected
