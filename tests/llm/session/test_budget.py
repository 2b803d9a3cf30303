"""Budgets: of a run, of an arena's day, of all services' day and of sources."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_ai.exceptions import ModelHTTPError
from tests.llm.session.scripted import GOOD, MemoryRecorder, says

from maf_core.errors import BadAnswerError, BudgetExceededError, LLMError
from maf_core.llm.base import Tool
from maf_core.llm.ledger import account
from maf_core.testing import wait_until

PRICES = {"lab:dear": {"input": 3.0, "output": 15.0}, "lab:cheap": {"input": 0.1, "output": 0.1}}


async def tokens_of(redis, run: str) -> int:
    return int(await redis.hget(account("run", run), "tokens") or 0)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"run": {"calls": 1}}, r"This run: 1 of 1 calls are spent.*needs at least 1 calls.*budget\.run\.calls"),
        ({"run": {"tokens": 2300}}, r"This run: 2040 of 2300 tokens are spent, and the next call of lab:first needs"),
        ({"day": {"calls": 1}}, r"panel today: 1 of 1 calls.*budget\.day\.calls"),
    ],
)
async def test_what_does_not_fit_is_refused_with_how_much_and_why(bench, question, limits, words):
    at = bench(says(GOOD, tokens=(2000, 40)), budget=limits, max_output_tokens=100)
    await at.session.ask(question())
    with pytest.raises(BudgetExceededError, match=words):
        await at.session.ask(question("Another."))
    assert at.asked == ["first"]
    assert re.search(words, at.kinds("llm.error")[0]["error"])


async def test_the_answer_may_take_what_is_left(bench, question):
    most = []

    def model(messages, info):
        most.append(info.model_settings["max_tokens"])
        return GOOD

    at = bench(model, budget={"run": {"tokens": 1500}})
    await at.session.ask(question())
    await at.session.ask(question("Another."))
    assert 64 <= most[1] < most[0] < 1500


async def test_an_arenas_day_is_shared_by_its_runs_and_not_by_other_arenas(bench, question):
    limits = {"budget": {"day": {"calls": 2}}}
    for _ in range(2):
        await bench(**limits).session.ask(question())
    with pytest.raises(BudgetExceededError, match="panel today: 2 of 2 calls"):
        await bench(**limits).session.ask(question())
    await bench(arena="other", **limits).session.ask(question())


async def test_the_settings_day_is_shared_by_all(bench, question):
    await bench(day={"calls": 1}).session.ask(question())
    with pytest.raises(BudgetExceededError, match=r"All arenas today: 1 of 1 calls.*llm\.day\.calls"):
        await bench(arena="other", day={"calls": 1}).session.ask(question())


async def test_days_are_counted_under_their_date_and_go_away(bench, question, redis):
    await bench().session.ask(question())
    day = datetime.now(UTC).date().isoformat()
    keys = {key.decode() async for key in redis.scan_iter("maf:*")}
    assert {account("day", day), account("arena", "panel", day)} <= keys
    assert all([0 < await redis.ttl(key) <= 7 * 86_400 for key in keys])


async def test_a_resumed_run_goes_on_with_what_it_has_left(bench, question):
    record, run = MemoryRecorder(), uuid4().hex
    limits = {"budget": {"run": {"calls": 2}}, "recorder": record, "run": run}
    await bench(**limits).session.ask(question())
    again = bench(**limits)
    await again.session.ask(question())
    await again.session.ask(question("Another."))
    with pytest.raises(BudgetExceededError):
        await again.session.ask(question("A third."))


async def test_a_call_that_a_dead_process_made_is_counted_once_when_it_is_made_again(bench, question, redis):
    run, started = uuid4().hex, asyncio.Event()

    async def hangs(messages, info):
        started.set()
        await asyncio.sleep(60)

    dead = bench(hangs, run=run)
    asking = asyncio.create_task(dead.session.ask(question()))
    await started.wait()
    held = await tokens_of(redis, run)
    assert held > 2000
    await bench(says(GOOD, tokens=(300, 20)), run=run).session.ask(question())
    assert await tokens_of(redis, run) == 320
    asking.cancel()
    await asyncio.wait([asking])
    assert await tokens_of(redis, run) == 320 + held  # it was alive after all


# --- money --------------------------------------------------------------------------------------------


async def test_money_is_counted_at_the_settings_price(bench, question, redis):
    at = bench(says(GOOD, tokens=(1000, 200)), model="lab:first", prices={"first": {"input": 3.0, "output": 15.0}})
    await at.session.ask(question())
    assert at.session.usage()["usd"] == at.events[0]["usd"] == pytest.approx(0.006)
    assert int(await redis.hget(account("run", at.run), "usd")) == 6000


async def test_a_limit_in_usd_needs_a_price(bench, question):
    at = bench(budget={"run": {"usd": 5}})
    with pytest.raises(BudgetExceededError, match=r'llm\.prices\."lab:first"'):
        await at.session.ask(question())
    assert at.asked == []


async def test_over_budget_the_cheaper_model_is_asked(bench, question):
    models = {"dear": GOOD, "cheap": GOOD}
    at = bench(models=models, budget={"run": {"usd": 0.0005}}, prices=PRICES, cheaper_model="lab:cheap")
    assert (await at.session.ask(question())).model == "lab:cheap"
    assert at.asked == ["cheap"]
    (error,) = at.kinds("llm.error")
    assert (error["model"], error["fallback_to"]) == ("lab:dear", "lab:cheap")
    assert at.session.usage()["fallbacks"][0]["reason"].startswith("This run: 0 of 0.0005 USD are spent")


async def test_when_the_cheaper_model_does_not_fit_either_that_is_the_end(bench, question):
    models = {"dear": GOOD, "cheap": GOOD}
    at = bench(models=models, budget={"run": {"usd": 0.00001}}, prices=PRICES, cheaper_model="lab:cheap")
    with pytest.raises(BudgetExceededError, match="lab:cheap"):
        await at.session.ask(question())
    assert at.asked == []


# --- many at once -------------------------------------------------------------------------------------


async def test_agents_that_ask_at_once_wait_for_what_the_others_do_not_use(bench, question, redis):
    async def model(messages, info):
        await asyncio.sleep(0.02)
        return says(GOOD, tokens=(200, 20))

    at = bench(model, budget={"run": {"tokens": 6000}})  # enough for all, not for two reservations
    await asyncio.gather(*(at.session.ask(question(f"Question {n}")) for n in range(8)))
    assert await tokens_of(redis, at.run) == 8 * 220


async def test_processes_that_race_never_spend_a_token_too_many(bench, question, redis):
    run = uuid4().hex

    async def model(messages, info):
        await asyncio.sleep(0)
        return says(GOOD, tokens=(500, info.model_settings["max_tokens"]))  # takes all it may

    racing = [bench(model, run=run, budget={"run": {"tokens": 20_000}}) for _ in range(8)]
    asking = [at.session.ask(question(f"Question {n} of {m}")) for m, at in enumerate(racing) for n in range(6)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BudgetExceededError)]
    assert 0 < len(refused) < len(results)
    assert all(isinstance(result, BudgetExceededError) for result in results if isinstance(result, Exception))
    assert await tokens_of(redis, run) <= 20_000


async def test_the_same_question_at_once_is_held_twice(bench, question, redis):
    class NothingKept:
        async def answered(self, kind, asked, ask):
            return await ask()

    release = asyncio.Event()

    async def model(messages, info):
        await release.wait()
        return says(GOOD, tokens=(200, 20))

    at = bench(model, recorder=NothingKept())
    both = [asyncio.create_task(at.session.ask(question())) for _ in range(2)]
    await wait_until(lambda: len(at.asked) == 2)
    assert await redis.hget(account("run", at.run), "calls") == b"2"
    release.set()
    await asyncio.gather(*both)
    assert await tokens_of(redis, at.run) == 440


async def test_rubbish_within_a_budget_stays_within_it(bench, question, redis):
    at = bench(says("rubbish", "", tokens=(400, 700)), budget={"run": {"tokens": 3500}})
    with pytest.raises((BadAnswerError, BudgetExceededError)):
        await at.session.ask(question())
    assert await tokens_of(redis, at.run) <= 3500


MAD = {
    "answers": lambda most: says(GOOD, tokens=(200, most)),
    "talks": lambda most: says("no answer", "", tokens=(200, most)),
    "calls a tool": lambda most: says({"n": most}, "look", tokens=(200, most // 2)),
    "calls no tool": lambda most: says({}, "nothing", tokens=(200, 5)),
    "is silent about what it took": lambda most: says({"side": 1}, tokens=(0, 0)),
    "fails": lambda most: ModelHTTPError(500, "first", "failed"),
    "cannot be read": lambda most: ValueError("what?"),
    "is gone": lambda most: ModelHTTPError(404, "first", "gone"),
}


@given(
    behaviour=st.lists(st.sampled_from(sorted(MAD)), min_size=1, max_size=8),
    tokens=st.integers(0, 6000),
    calls=st.integers(0, 6),
    steps=st.integers(1, 6),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_model_however_mad_spends_more_than_it_may(bench, question, redis, behaviour, tokens, calls, steps):
    async def look(arguments):
        return "nothing new"

    def model(messages, info):
        doing = behaviour[min(len(at.asked), len(behaviour)) - 1]
        return MAD[doing](info.model_settings["max_tokens"])

    at = bench(model, budget={"run": {"tokens": tokens, "calls": calls}}, max_output_tokens=300)
    with suppress(LLMError):
        await at.session.ask(question(tools=[Tool("look", "", look)], max_steps=steps))
    counted = await redis.hgetall(account("run", at.run))
    assert int(counted.get(b"tokens", 0)) <= tokens
    assert int(counted.get(b"calls", 0)) == len(at.asked) <= calls
    assert int(counted.get(b"held_tokens", 0)) == 0
    refusals = sum(behaviour[min(n, len(behaviour) - 1)] in ("fails", "is gone") for n in range(len(at.asked)))
    assert len(at.asked) <= steps + refusals


# --- sources --------------------------------------------------------------------------------------------


async def test_a_source_is_asked_as_often_as_its_budget_allows(bench):
    at = bench(budget={"sources": {"bars": {"calls": 2}}})
    for _ in range(2):
        async with at.session.budget.spending("source:bars") as spending:
            assert spending.seconds is None
    with pytest.raises(
        BudgetExceededError, match=r"Source 'bars' in this run: 2 of 2 calls.*budget\.sources\.bars\.calls"
    ):
        async with at.session.budget.spending("source:bars"):
            pass
    async with at.session.budget.spending("source:news") as spending:
        assert spending.seconds is None


async def test_a_source_may_take_as_long_as_is_left(bench):
    at = bench(budget={"sources": {"bars": {"seconds": 2.0}}})
    async with at.session.budget.spending("source:bars") as first:
        await asyncio.sleep(0.05)
    async with at.session.budget.spending("source:bars") as second:
        assert 0 < second.seconds <= 1.95 < first.seconds == 2.0
        await asyncio.sleep(second.seconds)
    with pytest.raises(BudgetExceededError, match=r"budget\.sources\.bars\.seconds"):
        async with at.session.budget.spending("source:bars"):
            pass


async def test_a_source_that_fails_has_been_asked(bench):
    at = bench(budget={"sources": {"bars": {"calls": 1}}})
    with pytest.raises(OSError, match="away"):
        async with at.session.budget.spending("source:bars"):
            raise OSError("away")
    with pytest.raises(BudgetExceededError):
        async with at.session.budget.spending("source:bars"):
            pass
