"""The trigger rules that this plugin offers, fired by entries as its sources read them."""

from __future__ import annotations

import pytest

from maf_core import publish

NEWS, EVENTS = "trtools2:news", "trtools2:strategy_events"
EVENT = {"symbol": "AAPL", "strategy": "trend", "signal": "BUY", "confidence": 0.8, "ts": "2024-03-01T15:00:00Z"}
ITEM = {
    "id": 24843171,
    "headline": "Apple beats expectations",
    "summary": "Record revenue in the first quarter.",
    "author": "Charles Gross",
    "created_at": "2024-03-01T15:00:00Z",
    "updated_at": "2024-03-01T15:00:01Z",
    "symbols": ["AAPL"],
    "source": "benzinga",
    "url": "https://example.org/apple",
    "sentiment": 0.91,
}


@pytest.fixture
def fired(redis, fire_template):
    """Put one payload on the stream; gives the commands that the template sends."""
    return lambda template, stream, payload: fire_template(template, publish(redis, stream, payload))


@pytest.mark.parametrize("more", [{}, {"signal": "sell"}, {"confidence": "0.6"}])
async def test_a_strategys_event_sets_an_arena_off(fired, more):
    (command,) = await fired("trtools2_strategy_event", EVENTS, EVENT | more)
    assert (command["arena"], command["target"]["ticker"]) == ("triggered", "AAPL")
    assert command["as_of"] == "2024-03-01T15:00:00Z"


async def test_a_later_as_of_counts(fired):
    (command,) = await fired("trtools2_strategy_event", EVENTS, EVENT | {"as_of": "2024-03-01T15:05:00Z"})
    assert command["as_of"] == "2024-03-01T15:05:00Z"


@pytest.mark.parametrize("more", [{"signal": "HOLD"}, {"confidence": 0.59}, {"confidence": None}, {"signal": None}])
async def test_a_weak_event_does_not(fired, more):
    assert await fired("trtools2_strategy_event", EVENTS, EVENT | more) == []


async def test_flat_fields_do_as_well(redis, fire_template):
    flat = {name: str(value) for name, value in EVENT.items()}
    (command,) = await fire_template("trtools2_strategy_event", redis.xadd(EVENTS, flat))
    assert command["target"]["ticker"] == "AAPL"


@pytest.mark.parametrize("sentiment", [0.91, -0.7, "0.8"])
async def test_news_with_a_strong_sentiment_set_an_arena_off(fired, sentiment):
    (command,) = await fired("trtools2_news_sentiment_spike", NEWS, ITEM | {"sentiment": sentiment})
    assert (command["arena"], command["target"]["ticker"]) == ("triggered", "AAPL")
    assert command["as_of"] == "2024-03-01T15:00:00Z"


@pytest.mark.parametrize(
    "more",
    [{"sentiment": 0.69}, {"sentiment": None}, {"symbols": ["AAPL", "MSFT"]}, {"symbols": "AAPL"}, {"symbols": []}],
)
async def test_other_news_do_not(fired, more):
    assert await fired("trtools2_news_sentiment_spike", NEWS, ITEM | more) == []
