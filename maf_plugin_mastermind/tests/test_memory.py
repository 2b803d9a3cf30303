"""The backend `bm25` on the real server: which memories come first, what is kept, and in what form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import Memory, MemoryQuery, Outcome
from maf_core.errors import ConfigError
from maf_core.plugins import PluginManager, Selection
from maf_plugin_mastermind.memory import Bm25Memory
from maf_plugin_mastermind.store import MEMORIES, OUTCOMES, timeline

START = datetime(2024, 1, 2, 21, tzinfo=UTC)
LATER = START + timedelta(days=365)


def decision(number: int, ticker: str = "AAPL", **changes) -> Memory:
    decided = {
        "arena_id": f"panel-{number}",
        "arena": "panel",
        "target": {"ticker": ticker, "trade_date": f"2024-01-{number + 2:02}"},
        "as_of": START + timedelta(days=number),
        "situation": "chart BULLISH strong",
        "verdict": "BUY",
        "confidence": 0.5,
    }
    return Memory.model_validate(decided | changes)


@pytest.fixture
def backend(make_context):
    """A backend as a run makes it, with these settings of the plugin."""

    def make(**mine) -> Bm25Memory:
        return Bm25Memory(make_context(sections={"mastermind": mine}))

    return make


@pytest.fixture
def recalled(backend):
    """The numbers of the decisions recalled, most alike first."""

    async def ask(situation: str = "chart BULLISH strong", ticker: str = "AAPL", limit: int = 10) -> list[int]:
        query = MemoryQuery("panel", {"ticker": ticker, "trade_date": "2025-01-01"}, situation, LATER, limit)
        return [int(one.memory.arena_id.removeprefix("panel-")) for one in await backend().recall(query)]

    return ask


async def test_of_equally_alike_situations_those_about_the_same_target_come_first_then_the_newest(backend, recalled):
    for number, ticker in enumerate(["AAPL", "XOM", "AAPL", "XOM"]):
        await backend().remember(decision(number, ticker))
    assert await recalled() == [2, 0, 3, 1]
    assert await recalled(ticker="XOM") == [3, 1, 2, 0]
    assert await recalled(ticker="IBM") == [3, 2, 1, 0]


async def test_the_same_target_does_not_outweigh_a_like_situation(backend, recalled):
    await backend().remember(decision(0, "XOM"))
    await backend().remember(decision(1, "AAPL", situation="report BEARISH"))
    assert await recalled() == [0, 1]


async def test_a_target_of_several_parts_is_the_same_when_it_has_all_that_is_asked_for(backend, recalled):
    await backend().remember(decision(0, target={"ticker": "AAPL", "exchange": "XNAS"}))
    await backend().remember(decision(1, target={"exchange": "XNAS"}))
    await backend().remember(decision(2, target={"ticker": 7}))
    assert await recalled() == [0, 2, 1]
    assert await recalled(ticker="7") == [2, 1, 0]


async def test_forgetting_takes_the_outcome_along(redis, backend):
    for number in range(5):
        await backend(keep=2).remember(decision(number))
        await backend(keep=2).outcome(f"panel-{number}", Outcome(known_at=START))
    kept = {b"panel-3", b"panel-4"}
    assert set(await redis.hkeys(MEMORIES)) == set(await redis.hkeys(OUTCOMES)) == kept
    assert set(await redis.zrange(timeline("panel"), 0, -1)) == kept


async def test_keeping_fewer_from_now_on_forgets_what_is_too_much(backend, recalled):
    for number in range(5):
        await backend().remember(decision(number))
    await backend(keep=2).remember(decision(5))
    assert await recalled() == [5, 4]


async def test_what_is_kept_is_json_with_a_format(redis, backend):
    await backend().remember(decision(0))
    await backend().outcome("panel-0", Outcome.model_validate({"known_at": START, "return": 0.1}))
    memory = json.loads(await redis.hget(MEMORIES, "panel-0"))
    outcome = json.loads(await redis.hget(OUTCOMES, "panel-0"))
    assert (memory["format"], memory["verdict"], "outcome" in memory) == (1, "BUY", False)
    assert (outcome["format"], outcome["return"]) == (1, 0.1)


@pytest.mark.parametrize("key", [MEMORIES, OUTCOMES])
@pytest.mark.parametrize("content", [b'{"format": 2}', b'{"format": 1}', b"{", b"[]", b"\xff"])
async def test_what_cannot_be_read_is_skipped_and_the_others_are_recalled(redis, backend, recalled, key, content):
    for number in range(3):
        await backend().remember(decision(number))
    await redis.hset(key, "panel-1", content)
    assert await recalled() == [2, 0]


async def test_a_memory_that_went_missing_is_skipped(redis, backend, recalled):
    for number in range(3):
        await backend().remember(decision(number))
    await redis.hdel(MEMORIES, "panel-1")
    assert await recalled() == [2, 0]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(0, 20), unique=True, max_size=8), keep=st.integers(1, 4), asked=st.integers(0, 21))
async def test_in_whatever_order_decisions_come_the_newest_are_kept_and_none_of_the_future_shown(
    redis, backend, days, keep, asked
):
    await redis.flushall()
    for day in days:
        await backend(keep=keep).remember(decision(day))
    query = MemoryQuery("panel", {}, "", START + timedelta(days=asked), 100)
    found = [one.memory.arena_id for one in await backend().recall(query)]
    kept = sorted(days, reverse=True)[:keep]
    assert found == [f"panel-{day}" for day in kept if day < asked]


def test_a_setting_that_makes_no_sense_is_a_sentence(backend):
    with pytest.raises(ConfigError, match=r"plugins\.mastermind.*keep: .*greater than or equal to 1"):
        backend(keep=0)


async def test_the_environment_wins(backend, recalled, monkeypatch):
    monkeypatch.setenv("MAF_MASTERMIND_KEEP", "1")
    for number in range(3):
        await backend(keep=5).remember(decision(number))
    assert await recalled() == [2]


def test_the_plugin_offers_the_backend():
    (row,) = (row for row in PluginManager.load(Selection.from_names("mastermind")).rows if row.name == "mastermind")
    assert (row.status.value, row.contributions) == ("ok", {"memory_backends": ["bm25"]})
