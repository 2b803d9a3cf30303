"""Questions to fomo2, and every way in which an answer can fail to come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maf_core import SourceQuery, publish
from maf_core.testing import wait_until
from maf_plugin_fomo2.config import RequestConfig
from maf_plugin_fomo2.request_source import RequestSource
from maf_plugin_fomo2.testing import answers_with, never, responding

NOTHING = ("no_fomo2_request",)


@pytest.fixture
def source(redis):
    return lambda **config: RequestSource(redis, RequestConfig(**{"timeout_s": 5.0, **config}))


def ask(ticker: str = "AAPL", as_of: datetime | None = None) -> SourceQuery:
    return SourceQuery({"ticker": ticker}, as_of or datetime.now(UTC))


async def test_the_answer_to_a_question(redis, source):
    query = ask()
    async with responding(redis, answers_with(report={"rating": "sell"})) as fomo2:
        answer = await source(question="outlook").fetch(query)
    assert (answer.data, answer.as_of, answer.gaps) == ({"rating": "sell"}, query.as_of, ())
    (request,) = fomo2.requests
    assert (request["symbol"], request["kind"], request["as_of"]) == ("AAPL", "outlook", query.as_of.isoformat())
    assert len(request["correlation_id"]) == 32


async def test_whoever_asks_at_the_same_time_gets_the_answer_to_the_own_question(redis, source):
    def echo(request):
        return [{"correlation_id": request["correlation_id"], "answer": request["symbol"]}]

    reader = source()
    async with responding(redis, echo):
        answers = await asyncio.gather(*(reader.fetch(ask(f"S{number}")) for number in range(50)))
    assert [answer.data for answer in answers] == [f"S{number}" for number in range(50)]


async def test_no_answer_is_a_gap_and_one_that_comes_late_is_dropped(redis, source):
    reader = source(timeout_s=0.05)
    async with responding(redis, never) as fomo2:
        assert (await reader.fetch(ask())).gaps == NOTHING
        await wait_until(lambda: fomo2.requests)
        fomo2.respond = answers_with(answer="in time")
        await publish(redis, "fomo2:responses", {**fomo2.requests[0], "answer": "late"})
    async with responding(redis, answers_with(answer="in time")):
        answer = await source().fetch(ask())
    assert answer.data == "in time"


@pytest.mark.parametrize(
    "told", [{"error": "no such symbol"}, {"status": "failed"}, {"status": "ERROR", "answer": 1}, {}]
)
async def test_an_answer_that_says_error_or_nothing_is_a_gap(redis, source, told):
    async with responding(redis, answers_with(**told)):
        assert (await source().fetch(ask())).gaps == NOTHING


async def test_an_answer_that_cannot_be_read_says_so(redis, source):
    async with responding(redis, answers_with(answer=1, as_of="soon")):
        assert (await source().fetch(ask())).gaps == ("parse_fail_fomo2_request", "no_fomo2_request")


async def test_the_first_of_two_answers_stands_and_those_of_others_do_not_count(redis, source):
    def twice(request):
        mine = request["correlation_id"]
        return [{"correlation_id": name, "answer": text} for name, text in [("0" * 32, 0), (mine, 1), (mine, 2)]]

    async with responding(redis, twice):
        assert (await source().fetch(ask())).data == 1


async def test_garbage_among_the_answers_is_counted_and_passed_over(redis, source):
    reader = source()
    async with responding(redis, never) as fomo2:
        asking = asyncio.create_task(reader.fetch(ask()))
        await wait_until(lambda: fomo2.requests)
        await redis.xadd("fomo2:responses", {"data": b"\xff{"})
        await publish(redis, "fomo2:responses", {"correlation_id": fomo2.requests[0]["correlation_id"], "answer": "ok"})
        assert (await asking).data == "ok"
    assert reader.mailbox.bad_entries == 1


async def test_who_answers_today_about_the_past_is_not_believed(redis, source):
    past = datetime.now(UTC) - timedelta(days=30)
    async with responding(redis, answers_with(answer="I know what came")) as fomo2:
        assert (await source().fetch(ask(as_of=past))).gaps == NOTHING
        fomo2.respond = answers_with(answer="later", as_of=(past + timedelta(seconds=1)).isoformat())
        assert (await source().fetch(ask(as_of=past))).gaps == NOTHING
        fomo2.respond = answers_with(answer="then", as_of=past.isoformat())
        assert (await source().fetch(ask(as_of=past))).data == "then"
