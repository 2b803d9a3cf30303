"""Every action through the risk gate: each check, the status, and one execution for one action."""

from __future__ import annotations

import pytest

from maf_core import CheckResult, ExecutionEnvelope, RiskCheckSpec, publish
from maf_core.outbox.execution import ActionConsumer, RiskGate
from maf_core.settings import RiskSettings
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, DEAD, EXECUTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


@pytest.fixture
def gate(make_context, load):
    """A gate with the core's checks and these, under these limits."""

    def make(*specs: RiskCheckSpec, **limits) -> RiskGate:
        return RiskGate(make_context(plugins=load(*specs), risk=RiskSettings(**limits)))

    return make


@pytest.fixture
def executed(redis, make_context, load, brisk):
    """Publish these payloads as actions while a consumer runs; gives all executions so far."""

    async def execute(*actions: dict, specs=()) -> list[ExecutionEnvelope]:
        async with running(brisk(ActionConsumer(make_context(plugins=load(*specs))))):
            for action in actions:
                await publish(redis, ACTIONS, action)
            await until_quiet(redis)
        return [ExecutionEnvelope.model_validate(payload) for payload in await payloads(redis, EXECUTIONS)]

    return execute


def check(answer, name: str = "mine", priority: int = 100) -> RiskCheckSpec:
    """A check that answers with what `answer(action)` gives, or raises it."""

    class Mine:
        def __init__(self, context) -> None: ...

        async def check(self, action):
            return answer(action)

    return RiskCheckSpec(name=name, factory=Mine, priority=priority)


def outcome(execution: ExecutionEnvelope, name: str) -> tuple[str, str]:
    found = next(result for result in execution.checks if result.name == name)
    return found.result, found.reason


@pytest.mark.parametrize(
    ("name", "changes", "limits", "result", "words"),
    [
        ("mode", {}, {}, "passed", ""),
        ("mode", {"mode": "semi"}, {}, "needs_approval", "a person approves"),
        ("mode", {"mode": "manual"}, {}, "failed", "recorded, not executed"),
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
        ("duplicate", {}, {}, "passed", ""),
    ],
)
async def test_a_check(gate, action, name, changes, limits, result, words):
    execution = await gate(**limits).evaluate(action(**changes))
    found, reason = outcome(execution, name)
    assert (found, words in reason) == (result, True), reason


@pytest.mark.parametrize(
    ("mode", "status", "by"),
    [("auto", "approved", "risk_gate"), ("semi", "pending_approval", ""), ("manual", "rejected", "")],
)
async def test_the_status_follows_the_mode(gate, action, mode, status, by):
    execution = await gate().evaluate(action(mode=mode))
    assert (execution.status, execution.approved_by) == (status, by)


async def test_one_failed_check_rejects_and_all_are_told(gate, action):
    execution = await gate().evaluate(action(mode="semi", sizing={"size_fraction": 0.9}))
    assert execution.status == "rejected"
    assert [result.name for result in execution.checks] == [
        "mode", "max_size", "min_confidence", "fresh_inputs", "duplicate",
    ]  # fmt: skip


async def test_checks_of_plugins_come_in_their_place_and_count(gate, action):
    no = check(lambda _: CheckResult(name="mine", result="failed", reason="not on Fridays"), priority=15)
    execution = await gate(no).evaluate(action())
    assert [result.name for result in execution.checks][:3] == ["mode", "mine", "max_size"]
    assert execution.status == "rejected"
    assert outcome(execution, "mine") == ("failed", "not on Fridays")


def _raises(action):
    raise ZeroDivisionError("no equity")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(_raises, "ZeroDivisionError: no equity"), (lambda _: None, "NoneType"), (lambda _: True, "bool")],
)
async def test_a_check_that_breaks_rejects(executed, action, answer, words):
    (execution,) = await executed(action().model_dump(mode="json"), specs=[check(answer)])
    assert execution.status == "rejected"
    assert words in outcome(execution, "mine")[1]


async def test_one_trade_a_day_and_ticker(gate, action):
    the_gate = gate()
    first = action()
    assert (await the_gate.evaluate(first)).status == "approved"
    second = await the_gate.evaluate(action(verdict="SELL"))
    assert second.status == "rejected"
    assert outcome(second, "duplicate") == ("failed", "AAPL was already traded for 2024-03-01")
    assert (await the_gate.evaluate(first)).status == "approved"


@pytest.mark.parametrize(
    "other", [{"target": {"ticker": "IBM"}}, {"target": {"trade_date": "2024-03-04"}}, {"arena": "other"}]
)
async def test_another_ticker_day_or_arena_is_another_trade(gate, action, other):
    assert (await gate().evaluate(action())).status == "approved"
    assert (await gate().evaluate(action(**other))).status == "approved"


async def test_a_hold_takes_nobodys_place(gate, action):
    assert (await gate().evaluate(action(verdict="HOLD"))).status == "approved"
    assert (await gate().evaluate(action())).status == "approved"


@pytest.mark.parametrize(
    "refused", [{"sizing": {"size_fraction": 0.9}}, {"mode": "manual"}, {"meta": {"required_gaps": ["no_prices"]}}]
)
async def test_what_was_not_traded_takes_nobodys_place(gate, action, refused):
    assert (await gate().evaluate(action(**refused))).status == "rejected"
    assert (await gate().evaluate(action())).status == "approved"


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


async def test_an_action_that_is_not_valid_is_a_dead_letter(redis, executed, action):
    broken = action().model_dump(mode="json") | {"verdict": "STRONG BUY"}
    (execution,) = await executed(broken, action().model_dump(mode="json"))
    assert execution.status == "approved"
    (letter,) = await payloads(redis, DEAD)
    assert letter["reason"].startswith("the action is not valid: verdict: ")
