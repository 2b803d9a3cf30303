"""Every action through the risk gate: each check, the status, and one execution for one action."""

from __future__ import annotations

import asyncio

import pytest

from maf_core import CheckResult, ExecutionEnvelope, RiskCheckSpec, publish
from maf_core.outbox.execution import ActionConsumer
from maf_core.records import by_priority
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, DEAD, EXECUTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


@pytest.fixture
def executed(redis, make_context, load, brisk):
    """Publish these payloads as actions while a consumer runs; gives all executions so far."""

    async def execute(*actions: dict) -> list[ExecutionEnvelope]:
        async with running(brisk(ActionConsumer(make_context(plugins=load())))):
            for action in actions:
                await publish(redis, ACTIONS, action)
            await until_quiet(redis)
        return [ExecutionEnvelope.model_validate(payload) for payload in await payloads(redis, EXECUTIONS)]

    return execute


@pytest.mark.parametrize(
    ("name", "changes", "limits", "result", "words"),
    [
        ("trading_state", {}, {}, "passed", "ACTIVE"),
        ("mode", {}, {}, "passed", ""),
        ("mode", {"mode": "semi"}, {}, "needs_approval", "a person approves"),
        ("mode", {"mode": "semi", "verdict": "HOLD"}, {}, "passed", ""),
        ("mode", {"mode": "manual"}, {}, "failed", "recorded, not executed"),
        ("max_size", {}, {}, "passed", ""),
        ("max_size", {"sizing": {"size_fraction": 0.25}}, {}, "passed", ""),
        ("max_size", {"sizing": {"size_fraction": 0.26}}, {}, "failed", "size 0.260 is over the limit 0.250"),
        ("max_size", {"sizing": {"size_fraction": 0.1}}, {"max_size_fraction": 0.05}, "failed", "0.050"),
        ("min_confidence", {"sizing": {"confidence": 0.6}}, {"min_confidence": 0.6}, "passed", ""),
        ("min_confidence", {"sizing": {"confidence": 0.5}}, {"min_confidence": 0.6}, "failed", "0.500 is under 0.600"),
        ("min_confidence", {"verdict": "HOLD", "sizing": {"confidence": 0}}, {"min_confidence": 0.6}, "passed", ""),
        ("fresh_inputs", {"meta": {"required_gaps": []}}, {}, "passed", ""),
        ("fresh_inputs", {"meta": {"required_gaps": ["stale_prices"]}}, {}, "failed", "stale_prices"),
        ("fresh_inputs", {"meta": {"gaps": ["no_news"]}}, {}, "passed", ""),
        ("fresh_inputs", {"verdict": "HOLD", "meta": {"required_gaps": ["no_prices"]}}, {}, "passed", ""),
        ("fresh_inputs", {"meta": {"required_gaps": [7]}}, {}, "failed", "plugin core (maf) broke: TypeError"),
        ("max_age", {}, {}, "skipped", "risk.max_age_s is not set"),
        ("max_age", {"meta": {"as_of": "2024-01-02T20:59:00Z"}}, {"max_age_s": 60}, "passed", ""),
        ("max_age", {"meta": {"as_of": "2024-01-02T20:58:59Z"}}, {"max_age_s": 60}, "failed", "decided 61 s ago"),
        ("max_age", {"verdict": "HOLD", "meta": {"as_of": "2023-01-02T21:00:00Z"}}, {"max_age_s": 60}, "passed", ""),
        ("duplicate", {}, {}, "passed", ""),
        ("ticker_exposure", {}, {}, "passed", "0.000 is open in AAPL; with 0.100 more it is within 0.500"),
        ("ticker_exposure", {}, {"max_ticker_exposure": 0.05}, "failed", "is over the limit 0.050"),
        ("ticker_exposure", {}, {"max_ticker_exposure": None}, "skipped", "risk.max_ticker_exposure is not set"),
        ("ticker_exposure", {"verdict": "HOLD"}, {"max_ticker_exposure": 0}, "passed", ""),
        ("total_exposure", {}, {"max_exposure": 0.05}, "failed", "0.000 is open in all; with 0.100 more it is over"),
        ("total_exposure", {}, {"max_exposure": None}, "skipped", "risk.max_exposure is not set"),
        ("actions_per_hour", {}, {"max_actions_per_hour": 0}, "failed", "0 actions went out within an hour of it"),
        ("actions_per_hour", {}, {"max_actions_per_hour": None}, "skipped", "risk.max_actions_per_hour is not set"),
        ("loss_limit", {}, {}, "passed", "+0.00 realised within 24 h; the limit is a loss of 5,000.00"),
        ("loss_limit", {}, {"max_loss": None}, "skipped", "risk.max_loss is not set"),
        ("price_sanity", {}, {}, "skipped", "the action states no meta.reference_price"),
        ("market_hours", {}, {}, "skipped", "risk.market_hours is not set"),
    ],
)
async def test_a_check(desk, clock, action, answered, name, changes, limits, result, words):
    found, reason = answered(await desk(**limits).judged(action(**changes)), name)
    assert (found, words in reason) == (result, True), reason


@pytest.mark.parametrize(
    ("mode", "status", "by"),
    [("auto", "approved", "risk_gate"), ("semi", "pending_approval", ""), ("manual", "rejected", "")],
)
async def test_the_status_follows_the_mode(desk, action, mode, status, by):
    execution = await desk().judged(action(mode=mode))
    assert (execution.status, execution.approved_by) == (status, by)


async def test_one_failed_check_rejects_and_all_are_told_in_their_order(desk, action, stopped_by):
    office = desk()
    execution = await office.judged(action(mode="semi", sizing={"size_fraction": 0.9}))
    assert execution.status == "rejected"
    specs = by_priority(office.context.plugins.records("maf_risk_checks", RiskCheckSpec))
    assert [check.name for check in execution.checks] == [spec.name for spec in specs]
    assert stopped_by(execution) == ["max_size", "ticker_exposure"]


async def test_checks_of_plugins_come_in_their_place_and_count(desk, action, answered, check_spec):
    no = check_spec(lambda _: CheckResult(name="mine", result="failed", reason="not on Fridays"), priority=15)
    execution = await desk(no).judged(action())
    assert [check.name for check in execution.checks][:3] == ["trading_state", "mine", "mode"]
    assert execution.status == "rejected"
    assert answered(execution, "mine") == ("failed", "not on Fridays")


async def test_a_plugins_check_may_ask_for_a_person(desk, action, check_spec):
    office = desk(check_spec(lambda _: CheckResult(name="mine", result="needs_approval", reason="earnings today")))
    first = action()
    assert (await office.judged(first)).status == "pending_approval"
    await office.decide(first.arena_id, "approve")
    (_, final) = await office.executions()
    assert (final.status, final.approved_by) == ("approved", "anna")


async def test_a_plugins_check_may_go_by_the_books(desk, action, answered):
    class OneAtATime:
        def __init__(self, context) -> None: ...

        async def check(self, action, book):
            full = bool(book.positions)
            return CheckResult(name="single", result="failed" if full else "passed", reason=f"open: {full}")

    office = desk(RiskCheckSpec(name="single", factory=OneAtATime))
    assert (await office.judged(action())).status == "approved"
    second = await office.judged(action(target={"ticker": "IBM"}))
    assert answered(second, "single") == ("failed", "open: True")


def _raises(action):
    raise ZeroDivisionError("no equity")


class Slow:
    def __init__(self, context) -> None: ...

    async def check(self, action):
        await asyncio.Event().wait()


class Unmakeable:
    def __init__(self, context) -> None:
        raise RuntimeError("no licence")


async def test_a_check_that_breaks_rejects_under_its_own_and_its_plugins_name(desk, action, answered, check_spec):
    for answer, words in (
        (_raises, "ZeroDivisionError: no equity"),
        (lambda _: None, "it answered NoneType, not CheckResult"),
        (lambda _: True, "it answered bool, not CheckResult"),
        (lambda _: CheckResult(name="other", result="passed"), "it answered as 'other'"),
        (lambda _: CheckResult.model_construct(name="mine", result="fine"), "ValidationError: "),
    ):
        execution = await desk(check_spec(answer)).judged(action())
        result, reason = answered(execution, "mine")
        assert (execution.status, result) == ("rejected", "failed")
        assert reason.startswith("the check of plugin made (maf-made) broke: ")
        assert words in reason


@pytest.mark.parametrize(
    ("factory", "words"),
    [(Slow, "it took longer than 0.05 s"), (Unmakeable, "RuntimeError: no licence"), ("nowhere:at_all", "nowhere")],
)
async def test_a_check_that_is_too_slow_or_cannot_be_made_rejects(desk, action, answered, factory, words):
    spec = RiskCheckSpec(name="mine", factory=factory)
    execution = await desk(spec, check_timeout_s=0.05).judged(action())
    assert execution.status == "rejected"
    assert words in answered(execution, "mine")[1]
    assert "plugin made (maf-made)" in answered(execution, "mine")[1]


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_check_gets_back_what_it_held_for_an_action_that_does_not_go_out(desk, action, breaks):
    held = set()

    class Holding:
        def __init__(self, context) -> None: ...

        async def check(self, action):
            held.add(action.arena_id)
            return CheckResult(name="mine", result="passed")

        async def withdraw(self, action):
            held.discard(action.arena_id)
            if breaks:
                raise ConnectionError("gone")

    office = desk(RiskCheckSpec(name="mine", factory=Holding))
    good, bad = action(), action(sizing={"size_fraction": 0.9})
    waits = action(target={"ticker": "IBM"}, mode="semi")
    await office.submit(good, bad, waits)
    assert held == {good.arena_id, waits.arena_id}
    await office.decide(waits.arena_id, "reject")
    assert held == {good.arena_id}
    assert [execution.status for execution in await office.executions()] == [
        "approved", "rejected", "pending_approval", "rejected",
    ]  # fmt: skip


async def test_one_trade_a_day_and_ticker(desk, action, answered):
    office = desk()
    first = action()
    assert (await office.judged(first)).status == "approved"
    second = await office.judged(action(verdict="SELL"))
    assert second.status == "rejected"
    assert answered(second, "duplicate") == ("failed", "AAPL was already traded for 2024-03-01")
    await office.submit(first)
    assert len(await office.executions()) == 2


@pytest.mark.parametrize(
    "other", [{"target": {"ticker": "IBM"}}, {"target": {"trade_date": "2024-03-04"}}, {"arena": "other"}]
)
async def test_another_ticker_day_or_arena_is_another_trade(desk, action, other):
    office = desk()
    assert (await office.judged(action())).status == "approved"
    assert (await office.judged(action(**other))).status == "approved"


@pytest.mark.parametrize(
    "refused",
    [
        {"verdict": "HOLD"},
        {"sizing": {"size_fraction": 0.9}},
        {"mode": "manual"},
        {"mode": "semi"},
        {"meta": {"required_gaps": ["no_prices"]}},
    ],
)
async def test_what_was_not_traded_takes_nobodys_place(desk, action, refused):
    office = desk()
    await office.judged(action(**refused))
    assert await office.open() == {}
    assert (await office.judged(action())).status == "approved"


async def test_an_action_delivered_twice_is_executed_once(redis, executed, action):
    wire = action().model_dump(mode="json")
    (execution,) = await executed(wire, wire)
    assert (execution.status, execution.action.arena_id) == ("approved", wire["arena_id"])
    await redis.xgroup_setid(ACTIONS, "maf:risk", "0")
    assert len(await executed()) == 1


async def test_two_consumers_make_one_execution_of_each(redis, make_context, load, brisk, action):
    consumers = [brisk(ActionConsumer(make_context(plugins=load()))) for _ in range(2)]
    async with running(*consumers):
        for number in range(10):
            await publish(redis, ACTIONS, action(target={"ticker": f"S{number}"}).model_dump(mode="json"))
        await until_quiet(redis)
    tickers = [payload["action"]["target"]["ticker"] for payload in await payloads(redis, EXECUTIONS)]
    assert sorted(tickers) == [f"S{number}" for number in range(10)]


async def test_an_action_from_before_the_first_start_is_executed(redis, executed, action):
    await publish(redis, ACTIONS, action().model_dump(mode="json"))
    assert len(await executed()) == 1


async def test_what_is_no_action_is_refused_where_it_enters_and_the_rest_goes_on(redis, executed, action):
    good = action().model_dump(mode="json")
    await redis.xadd(ACTIONS, {"data": b'{"verdict": "BU'})
    await redis.xadd(ACTIONS, {"data": b"[1, 2]"})
    await redis.xadd(ACTIONS, {"data": b'"\xff"'})
    (execution,) = await executed(
        good | {"verdict": "STRONG BUY"},
        {"schema_version": "2", "verdict": {"side": "BUY"}},
        good | {"arena_id": ""},
        good | {"meta": {"as_of": "yesterday"}},
        {},
        good,
    )
    assert (execution.status, execution.action.arena_id) == ("approved", good["arena_id"])
    reasons = [letter["reason"] for letter in await payloads(redis, DEAD)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "the entry cannot be decoded",
        "the entry's data is list, not an object",
        "the entry cannot be decoded",
        "the action is not valid",
        "the action has schema version '2'; this version of maf reads '1'",
        "the action is not valid",
        "'yesterday' is no timestamp; use ISO-8601 with an offset",
        "the action is not valid",
    ]


async def test_what_was_refused_is_counted_and_logged_once_each(redis, make_context, load, brisk, action, capsys):
    consumer = brisk(ActionConsumer(make_context(plugins=load())))
    async with running(consumer):
        for payload in ({"schema_version": "2"}, action().model_dump(mode="json"), {}):
            await publish(redis, ACTIONS, payload)
        await until_quiet(redis)
    assert consumer.consumer.bad_entries == 2
    assert capsys.readouterr().out.count("entry_dead") == 2


async def test_an_execution_names_the_engine_of_the_configuration(desk, action):
    paper = await desk().judged(action())
    assert paper.engine == "paper"
    real = await desk(settings={"execution": {"engine": "alpaca"}}).judged(action(target={"ticker": "IBM"}))
    assert (real.status, real.engine) == ("approved", "alpaca")
