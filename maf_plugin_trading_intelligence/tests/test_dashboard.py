"""The routes of this plugin on the dashboard: a decision by date, or the latest."""

from __future__ import annotations

import httpx
import pytest

from maf_core import publish
from maf_core.dashboard.app import create_app
from maf_core.dashboard.state import attach
from maf_plugin_trading_intelligence import lookup
from maf_plugin_trading_intelligence.stream import DEFAULT_STREAM_NAME, build_envelope_from_state, publish_envelope

PATH = "/api/trading_intelligence/decisions"


@pytest.fixture
async def client(context):
    """Ask a dashboard about the test server, with this plugin's routes."""
    app = create_app(context.plugins)
    attach(app, context)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def decide(redis, state):
    """Publish a decision about a ticker on a day; gives the envelope as JSON."""

    async def publish_one(ticker: str, day: str, verdict: str = "BUY") -> dict:
        target = {"ticker": ticker, "trade_date": day}
        envelope = build_envelope_from_state({**state, "target": target, "synthesis_verdict": verdict, "arena_id": ""})
        await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
        return envelope.model_dump(mode="json")

    return publish_one


async def test_a_date_names_the_decision(client, decide):
    first = await decide("IBM", "2013-02-27")
    await decide("IBM", "2013-02-28", "SELL")
    await decide("AAPL", "2013-02-27")
    answer = await client.get(f"{PATH}/IBM?date=2013-02-27")
    assert (answer.status_code, answer.json()) == (200, first)


async def test_without_a_date_it_is_the_latest_of_that_ticker(client, decide):
    await decide("IBM", "2013-02-27")
    latest = await decide("IBM", "2013-02-26", "SELL")
    await decide("AAPL", "2013-03-01")
    assert (await client.get(f"{PATH}/IBM")).json() == latest


async def test_what_cannot_be_read_is_passed_over(client, decide, redis):
    found = await decide("IBM", "2013-02-27")
    await redis.xadd(DEFAULT_STREAM_NAME, {"data": "{"})
    await publish(redis, DEFAULT_STREAM_NAME, {"schema_version": "2"})
    assert (await client.get(f"{PATH}/IBM")).json() == found
    await redis.hset("maf:arena:trading_intelligence:decisions:IBM:2013-02-27", "json", "{")
    assert (await client.get(f"{PATH}/IBM?date=2013-02-27")).status_code == 404


async def test_a_decision_further_back_than_a_page_is_found_and_the_search_ends(client, decide, monkeypatch):
    monkeypatch.setattr(lookup, "_PAGE", 2)
    monkeypatch.setattr(lookup, "LOOKED_THROUGH", 6)
    found = await decide("IBM", "2013-02-27")
    for day in range(1, 6):
        await decide("AAPL", f"2013-03-0{day}")
    assert (await client.get(f"{PATH}/IBM")).json() == found
    await decide("AAPL", "2013-03-06")
    assert (await client.get(f"{PATH}/IBM")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ("IBM", 404, "no decision about IBM"),
        ("IBM?date=2013-02-28", 404, "no decision about IBM on 2013-02-28"),
        ("IBM?date=yesterday", 422, "query.date"),
        ("IBM?date=2013-02-30", 422, "query.date"),
    ],
)
async def test_what_is_not_there_or_not_asked_rightly_is_a_problem(client, asked, status, words):
    answer = await client.get(f"{PATH}/{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
