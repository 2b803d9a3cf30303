"""Which forecasts go out on the stream, against a plain reading of the rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.streams import codec, raw
from maf_plugin_kronos.store import EMITTED, ForecastStore, direction_of

START = datetime(2025, 1, 6, 21, tzinfo=UTC)
SYMBOLS = (f"S{number}" for number in count())
probabilities = st.one_of(st.integers(0, 100).map(lambda percent: percent / 100), st.floats(0, 1))


def forecast(symbol: str, day: int, prob_up: float) -> dict:
    as_of = (START + timedelta(days=day)).isoformat()
    return {"symbol": symbol, "tf": "1d", "as_of": as_of, "prob_up": prob_up, "direction": direction_of(prob_up)}


async def emitted(redis, symbol: str) -> list[dict]:
    payloads = [codec.decode(fields) for _, fields in raw.entries(await redis.xrange(EMITTED))]
    return [payload for payload in payloads if payload["symbol"] == symbol]


def expected(moves: list[tuple[int, float]]) -> list[tuple[float, float, bool]]:
    """(prob_up, prob_up_delta, direction_flipped) of what goes out."""
    out, considered, last = [], -1, None
    for day, prob in moves:
        if day <= considered:
            continue
        considered = day
        delta = prob - (0.5 if last is None else last)
        flipped = last is not None and direction_of(last) != direction_of(prob)
        if abs(delta) > 0.05 + 1e-9 or flipped:
            out.append((prob, delta, flipped))
            last = prob
    return out


@given(st.lists(st.tuples(st.integers(0, 8), probabilities), max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_only_moves_and_flips_go_out_and_each_moment_counts_once(redis, moves):
    store, symbol = ForecastStore(redis, 60, 0.05), next(SYMBOLS)
    told = [await store.emit([forecast(symbol, day, prob)]) for day, prob in moves]
    found = await emitted(redis, symbol)
    rows = [(entry["prob_up"], entry["prob_up_delta"], entry["direction_flipped"]) for entry in found]
    assert rows == expected(moves)
    assert sum(told) == len(rows)


async def test_a_move_of_exactly_the_threshold_is_not_more_than_it(redis):
    store = ForecastStore(redis, 60, 0.05)
    assert not await store.emit([forecast("AAPL", 0, 0.55)])
    assert await store.emit([forecast("AAPL", 1, 0.56)])
    assert not await store.emit([forecast("AAPL", 2, 0.51)])
    assert await store.emit([forecast("AAPL", 3, 0.49)])


async def test_the_payload_goes_out_as_it_was_cached(redis):
    store = ForecastStore(redis, 60, 0.05)
    whole = forecast("AAPL", 0, 0.7) | {"steps": [], "expected_return": 1 / 3, "tokenizer": None, "model": "Zürich"}
    await store.save([whole])
    await store.emit([whole])
    (entry,) = await emitted(redis, "AAPL")
    assert entry == whole | {"prob_up_delta": pytest.approx(0.2), "direction_flipped": False}
    assert await store.cached([("AAPL", "1d")]) == [whole]


async def test_timeframes_and_symbols_have_nothing_to_do_with_each_other(redis):
    store = ForecastStore(redis, 60, 0.05)
    daily = forecast("AAPL", 0, 0.7)
    others = [daily | {"tf": "1h"}, daily | {"symbol": "MSFT"}]
    assert [await store.emit([each]) for each in [daily, *others, daily]] == [1, 1, 1, 0]


async def test_an_older_forecast_never_replaces_a_newer_one(redis):
    store = ForecastStore(redis, 60, 0.05)
    assert await store.save([forecast("AAPL", 2, 0.6)])
    assert not await store.save([forecast("AAPL", 1, 0.7)])
    assert not await store.save([forecast("AAPL", 2, 0.8)])
    assert (await store.cached([("AAPL", "1d")]))[0]["prob_up"] == 0.6
    assert 0 < await redis.ttl("kronos:forecast:AAPL:1d") <= 60


@pytest.mark.parametrize("rubbish", [b"{", b"7", b"{}", b"\xff", b'{"as_of": 1}'])
async def test_what_cannot_be_read_is_replaced(redis, rubbish):
    await redis.set("kronos:forecast:AAPL:1d", rubbish)
    store = ForecastStore(redis, 60, 0.05)
    assert await store.save([forecast("AAPL", 0, 0.6)])
    assert (await store.cached([("AAPL", "1d")]))[0]["prob_up"] == 0.6
