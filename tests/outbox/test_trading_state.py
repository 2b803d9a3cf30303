"""ACTIVE, REDUCING, HALTED: who says so, what still goes out, and how soon."""

from __future__ import annotations

import asyncio
import json
from itertools import product

import pytest

from maf_core import CheckResult, RiskCheckSpec
from maf_core.control.inbox import ControlInbox
from maf_core.errors import TradingStateError
from maf_core.outbox.execution import ActionConsumer
from maf_core.outbox.trading import TRADING, read_trading, set_trading, trading_history
from maf_core.plane.commands import Command
from maf_core.settings import RiskSettings
from maf_core.streams import codec
from maf_core.streams.connect import connect
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, EXECUTIONS
from maf_core.streams.raw import entries
from maf_core.testing import running, wait_until

OPENING, CLOSING, HOLD = "opening", "closing", "hold"


@pytest.mark.parametrize(("state", "kind"), list(product(("ACTIVE", "REDUCING", "HALTED"), (OPENING, CLOSING, HOLD))))
async def test_what_goes_out_in_which_state(redis, desk, action, answered, state, kind):
    office = desk()
    held = action()
    await office.submit(held)
    await set_trading(redis, state, "anna", "because")
    changes = {
        OPENING: {"target": {"ticker": "IBM"}},
        CLOSING: {"target": {"trade_date": "2024-03-04"}, "verdict": "SELL"},
        HOLD: {"verdict": "HOLD", "sizing": {"size_fraction": 0.0}},
    }
    execution = await office.judged(action(**changes[kind]))
    goes_out = kind == HOLD or state == "ACTIVE" or (state, kind) == ("REDUCING", CLOSING)
    assert execution.status == ("approved" if goes_out else "rejected")
    result, reason = answered(execution, "trading_state")
    assert result == ("passed" if goes_out else "failed")
    assert goes_out or (f"{state} since " in reason and "by anna: because" in reason)


async def test_reducing_does_not_take_a_sell_of_nothing_for_a_close(redis, desk, action, stopped_by):
    await set_trading(redis, "REDUCING", "anna", "because")
    assert stopped_by(await desk().judged(action(verdict="SELL"))) == ["trading_state"]


async def test_a_fresh_server_trades(redis):
    assert str(await read_trading(redis)) == "ACTIVE"


@pytest.mark.parametrize("raw", ["", "{", "HALTED", "{}", '{"state": "PAUSED"}', "[]", b"\xff\xfe"])
async def test_a_state_that_cannot_be_read_lets_nothing_through(redis, desk, action, answered, raw):
    await redis.set(TRADING, raw)
    office = desk()
    for verdict in ("BUY", "SELL", "HOLD"):
        execution = await office.judged(action(verdict=verdict))
        assert execution.status == "rejected"
        result, reason = answered(execution, "trading_state")
        assert result == "failed"
        assert "cannot be read, so nothing is traded. Set it: maf halt, reduce or resume" in reason
    with pytest.raises(TradingStateError, match="cannot be read"):
        await read_trading(redis)
    await set_trading(redis, "ACTIVE", "anna", "repaired")
    assert (await office.judged(action())).status == "approved"


async def test_a_key_of_another_type_lets_nothing_through_and_can_be_set(redis, desk, action):
    await redis.lpush(TRADING, "x")
    assert (await desk().judged(action())).status == "rejected"
    await set_trading(redis, "HALTED", "anna", "look at it")
    assert (await read_trading(redis)).state == "HALTED"


async def test_the_state_is_plain_json_and_its_history_is_kept(redis):
    await set_trading(redis, "HALTED", "anna", "fire")
    await set_trading(redis, "ACTIVE", "ben", "fire is out")
    said = json.loads(await redis.get(TRADING))
    assert (said["state"], said["who"], said["why"]) == ("ACTIVE", "ben", "fire is out")
    assert said["since"].endswith("Z")
    newest, first = await trading_history(redis)
    assert (newest.state, first.state, first.why) == ("ACTIVE", "HALTED", "fire")
    assert len(await trading_history(redis, 1)) == 1


async def test_a_halt_between_judging_and_publishing_still_counts(redis, desk, action):
    """The slowest check in the world does not carry an approval past a halt."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        def __init__(self, context) -> None: ...

        async def check(self, action, book):
            reached.set()
            await go_on.wait()
            return CheckResult(name="mine", result="passed")

    office = desk(RiskCheckSpec(name="mine", factory=Slow, priority=1000))
    judging = asyncio.create_task(office.submit(action()))
    await reached.wait()
    await set_trading(redis, "HALTED", "anna", "now")
    go_on.set()
    await judging
    (execution,) = await office.executions()
    assert execution.status == "rejected"


@pytest.fixture
def busy(role):
    """An agent that thinks until the test lets it."""
    think = asyncio.Event()

    async def run(agent, state, context):
        await think.wait()
        return {}

    return role("busy", run), think


async def test_a_halt_stops_new_exposure_with_a_full_backlog_and_every_run_worker_busy(
    redis, redis_url, make_context, load, panel, busy, action, brisk
):
    """10,000 commands and 500 actions wait, all places for runs are taken, two gates work: a halt counts at once."""
    agent, think = busy
    phases = {"name": "look", "agents": [{"name": "a", "role": "busy"}]}
    limits = RiskSettings(max_exposure=None, max_actions_per_hour=None)
    context = make_context(plugins=load(agent), arenas=[panel(phases)], risk=limits)
    command = Command(command="run_arena", arena="panel", target={"ticker": "AAPL"}).model_dump(mode="json")
    await _fill(redis, CONTROL_IN, (command | {"command_id": str(number)} for number in range(10_000)))
    actions = (action(target={"ticker": f"T{number}"}) for number in range(500))
    await _fill(redis, ACTIONS, (one.model_dump(mode="json") for one in actions))
    gates = [brisk(ActionConsumer(context)) for _ in range(2)]
    async with running(*gates, brisk(ControlInbox(context))):
        await wait_until(lambda: _at_least(redis, CONTROL_OUT, context.settings.max_concurrent_runs))
        await wait_until(lambda: _at_least(redis, EXECUTIONS, 50))
        async with connect(redis_url) as outside:
            said = await set_trading(outside, "HALTED", "anna", "drill")
        await wait_until(lambda: _at_least(redis, EXECUTIONS, 500), 60)
        think.set()
        await redis.xtrim(CONTROL_IN, 0)
    approved = [entry for entry, payload in await _executions(redis) if payload["status"] == "approved"]
    assert 50 <= len(approved) < 500
    last = max(int(entry.partition("-")[0]) for entry in approved) / 1000
    assert last - said.since.timestamp() < 0.1


async def test_after_set_trading_has_returned_nothing_is_approved(redis, desk, action):
    offices = [desk(max_exposure=None, max_actions_per_hour=None) for _ in range(3)]
    actions = iter([action(target={"ticker": f"T{number}"}) for number in range(400)])

    async def work(office) -> None:
        for one in actions:
            await office.submit(one)

    working = [asyncio.create_task(work(office)) for office in offices]
    await wait_until(lambda: _at_least(redis, EXECUTIONS, 60))
    await set_trading(redis, "HALTED", "anna", "drill")
    halted = await redis.xlen(EXECUTIONS)
    await asyncio.gather(*working)
    executions = await offices[0].executions()
    assert {execution.status for execution in executions[:60]} == {"approved"}
    assert {execution.status for execution in executions[halted:]} == {"rejected"}
    assert len(executions) == 400


async def _fill(redis, stream: str, payloads) -> None:
    pipeline = redis.pipeline(transaction=False)
    for payload in payloads:
        pipeline.xadd(stream, codec.encode(payload))
    await pipeline.execute()


async def _at_least(redis, stream: str, count: int) -> bool:
    return await redis.xlen(stream) >= count


async def _executions(redis):
    return [(entry, codec.decode(fields)) for entry, fields in entries(await redis.xrange(EXECUTIONS))]
