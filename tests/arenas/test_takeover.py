"""Two workers on one run: one of them carries it on, the other waits for what comes of it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from maf_core.arenas.engine import ArenaEngine
from maf_core.testing import wait_until

PHASES = [{"name": name, "agents": [{"name": f"in_{name}", "role": "step"}]} for name in ("a", "b", "c")]


class Worker:
    """An engine whose agents wait in `stalls` until they are let go on."""

    def __init__(self, engine_of, stalls: str = "") -> None:
        self.visited: list[str] = []
        self.gate = asyncio.Event()
        self._stalls = stalls
        self.engine: ArenaEngine = engine_of(self._step)

    async def _step(self, agent, state, context):
        self.visited.append(context.phase)
        if context.phase == self._stalls:
            await self.gate.wait()
        return {"seen": [*state.get("seen", []), context.phase], "signal": "HOLD"}


@pytest.fixture
def worker(make_context, load, panel, role):
    def engine_of(step, **limits):
        return ArenaEngine(make_context(plugins=load(role("step", step)), arenas=[panel(*PHASES, limits=limits)]))

    def make(stalls: str = "", **limits) -> Worker:
        return Worker(lambda step: engine_of(step, **limits), stalls)

    return make


async def taken_over(request, first: Worker, second: Worker) -> tuple[asyncio.Task, asyncio.Task]:
    """The first stalls in "b", and so does the second, which took the run over there."""
    one = asyncio.create_task(first.engine.run(request))
    await wait_until(lambda: first.visited == ["a", "b"])
    other = asyncio.create_task(second.engine.run(request))
    await wait_until(lambda: second.visited == ["b"])
    return one, other


async def killed(run: asyncio.Task) -> None:
    """Nobody is at it any more."""
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


@pytest.mark.parametrize("stalls", ["a", "b", "c"])
async def test_a_worker_that_stalled_gives_way_to_the_one_that_took_over(worker, request_for, stalls):
    request, slow, quick = request_for(), worker(stalls), worker()
    stalled = asyncio.create_task(slow.engine.run(request))
    await wait_until(lambda: slow.visited[-1:] == [stalls])
    taken = await quick.engine.run(request)
    slow.gate.set()
    late = await stalled
    assert slow.visited == ["a", "b", "c"][: len(slow.visited)]
    assert quick.visited == ["a", "b", "c"][len(slow.visited) - 1 :]
    assert taken.state["seen"] == ["a", "b", "c"]
    assert (late.state, late.correlation_id) == (taken.state, taken.correlation_id)


async def test_the_one_that_lost_the_run_waits_for_the_result(worker, request_for):
    request, first, second = request_for(), worker("b"), worker("b")
    one, other = await taken_over(request, first, second)
    first.gate.set()
    done, _ = await asyncio.wait([one], timeout=0.5)
    assert not done
    second.gate.set()
    assert (await one).state == (await other).state
    assert (first.visited, second.visited) == (["a", "b"], ["b", "c"])


async def test_when_the_one_that_took_over_dies_the_first_takes_it_back(worker, request_for):
    request, first, second = request_for(), worker("b", run_timeout_s=2.0), worker("b")
    one, other = await taken_over(request, first, second)
    await killed(other)
    first.gate.set()
    done = await one
    assert done.state["seen"] == ["a", "b", "c"]
    assert first.visited == ["a", "b", "b", "c"]


@pytest.mark.parametrize("noticed", [True, False], ids=["after it has noticed", "before it notices"])
async def test_whoever_is_asked_again_takes_the_run_back_without_waiting_for_the_other(worker, request_for, noticed):
    """The entry was handed out to it again: the one that took over is gone."""
    request, first, second = request_for(), worker("b", run_timeout_s=3600.0), worker("b")
    one, other = await taken_over(request, first, second)
    await killed(other)
    if noticed:
        with capture_logs() as logs:
            first.gate.set()
            await wait_until(lambda: any(line["event"] == "run_taken_over" for line in logs))
    again = asyncio.create_task(first.engine.run(request))
    first.gate.set()
    done, once_more = await asyncio.wait_for(asyncio.gather(one, again), 20)
    assert done.state["seen"] == once_more.state["seen"] == ["a", "b", "c"]
    assert first.visited == ["a", "b", "b", "c"]


async def test_a_worker_that_stalled_asks_no_model_for_what_the_other_has_asked(
    make_context, load, panel, role, request_for
):
    """It notices before it asks: an answer of a model costs money."""
    begun, gate, asked = asyncio.Event(), asyncio.Event(), []

    def engine(name: str, stalls: bool) -> ArenaEngine:
        async def step(agent, state, context):
            if stalls:
                begun.set()
                await gate.wait()

            async def ask():
                asked.append(name)
                return "yes"

            return {"signal": await context.recorder.answered("llm", {"agent": agent.name}, ask)}

        return ArenaEngine(make_context(plugins=load(role("step", step)), arenas=[panel(PHASES[0])]))

    request = request_for()
    slow = asyncio.create_task(engine("slow", stalls=True).run(request))
    await begun.wait()
    await engine("quick", stalls=False).run(request)
    gate.set()
    assert (await slow).state["signal"] == "yes"
    assert asked == ["quick"]


async def test_the_same_run_twice_in_one_process_is_run_once(worker, request_for):
    request, one = request_for(), worker("b")
    runs = [asyncio.create_task(one.engine.run(request)) for _ in range(3)]
    await wait_until(lambda: one.visited == ["a", "b"])
    one.gate.set()
    done = await asyncio.gather(*runs)
    assert one.visited == ["a", "b", "c"]
    assert done[0].state == done[1].state == done[2].state


async def test_when_the_first_of_two_in_one_process_is_stopped_the_second_goes_on(worker, request_for):
    request, one = request_for(), worker("b")
    runs = [asyncio.create_task(one.engine.run(request)) for _ in range(2)]
    await wait_until(lambda: one.visited == ["a", "b"])
    runs[0].cancel()
    one.gate.set()
    assert (await runs[1]).state["seen"] == ["a", "b", "c"]
    assert runs[0].cancelled()
