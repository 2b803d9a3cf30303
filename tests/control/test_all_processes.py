"""Several service processes and one configuration that changes while they run."""

from __future__ import annotations

import pytest

from maf_core import publish
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_OUT
from maf_core.streams.raw import entries, text
from maf_core.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def every(say, true):
    async def holds() -> bool:
        return all(map(true, await say()))

    return holds


async def arenas_of_actions(redis) -> list[tuple[str, str]]:
    found = [codec.decode(fields) for _, fields in entries(await redis.xrange(ACTIONS))]
    return sorted((action["arena"], action["target"]["ticker"]) for action in found)


async def test_one_is_told_to_reload_and_all_do(redis, services, write_arena, ask, answer):
    write_arena("first")
    say = await services(MAF_CONTROL='{"watch_config": false}')
    write_arena("second")
    done = await answer(await ask(command="reload_config"))
    assert (done["status"], done["error"]) == ("completed", None)
    await wait_until(every(say, lambda status: status["arenas"] == ["first", "second"]), 30)
    await wait_until(every(say, lambda status: status["config"]["revision"] == 1), 30)

    async def watched() -> bool:
        return await redis.sismember("maf:groups", "test:second\nmaf:triggers")

    await wait_until(watched)
    await redis.set("go:AAPL", 1)
    await publish(redis, "test:second", {"go": True, "symbol": "AAPL"})
    await wait_until(lambda: redis.xlen(ACTIONS))
    assert await arenas_of_actions(redis) == [("second", "AAPL")]


async def test_a_command_for_a_new_arena_is_known_to_whoever_gets_it(redis, services, write_arena, ask, answer):
    """The answer says that all have been told; some may only be about to look."""
    await services(3, MAF_CONTROL='{"watch_config": false}')
    await redis.set("go:AAPL", 1)
    write_arena("second")
    await answer(await ask(command="reload_config"))
    ids = [await ask(command="run_arena", arena="second", target={"ticker": "AAPL"}) for _ in range(20)]
    assert {(await answer(command_id))["status"] for command_id in ids} == {"completed"}


async def test_one_with_mistakes_changes_nothing_anywhere_and_names_them_all(
    redis, services, folder, write_arena, ask, answer
):
    write_arena("first")
    say = await services(MAF_CONTROL='{"watch_config": false}')
    write_arena("second")
    write_arena("third", role="nobody")
    (folder / "arenas" / "fourth.yaml").write_text("name: fourth")
    (folder / "maf.yaml").write_text("lese_s: 5")
    done = await answer(await ask(command="reload_config"))
    assert done["status"] == "failed"
    assert [word for word in ("nobody", "fourth.yaml", "lese_s") if word not in done["error"]] == []
    write_arena("first", summary="as it is now")
    assert [status["arenas"] for status in await say()] == [["first"], ["first"]]
    assert await redis.exists("maf:{maf:control:out}:revision") == 0


async def test_a_file_that_changes_is_taken_up_by_all_without_being_asked(redis, services, write_arena, ask, answer):
    write_arena("first")
    say = await services()
    write_arena("second")
    await wait_until(every(say, lambda status: status["arenas"] == ["first", "second"]), 30)
    write_arena("second", role="nobody")
    await wait_until(every(say, lambda status: "nobody" in status["config"]["fault"]), 30)
    assert all(status["arenas"] == ["first", "second"] for status in await say())
    write_arena("second")
    await wait_until(every(say, lambda status: not status["config"]["fault"]), 30)


async def test_a_run_goes_on_with_the_arena_it_began_with(redis, services, folder, write_arena, ask, answer):
    write_arena("panel")
    say = await services()
    command_id = await ask(command="run_arena", arena="panel", target={"ticker": "AAPL"})
    await wait_until(lambda: redis.llen("began"))
    (folder / "arenas" / "panel.yaml").unlink()
    await wait_until(every(say, lambda status: status["arenas"] == []), 30)
    await redis.set("go:AAPL", 1)
    assert (await answer(command_id))["status"] == "completed"
    assert await arenas_of_actions(redis) == [("panel", "AAPL")]


async def test_streams_that_stay_miss_nothing_and_double_nothing_while_others_come_and_go(
    redis, services, folder, write_arena
):
    write_arena("stays", role="speaks")
    say = await services()
    tickers = [f"S{number}" for number in range(120)]
    for number, ticker in enumerate(tickers):
        await publish(redis, "test:stays", {"go": True, "symbol": ticker})
        if number % 40 == 10:
            write_arena(f"other{number}", role="speaks")
            await wait_until(every(say, lambda status: f"other{number}" in status["arenas"]), 30)  # noqa: B023
        if number % 40 == 30:
            (folder / "arenas" / f"other{number - 20}.yaml").unlink()
            await wait_until(every(say, lambda status: status["arenas"] == ["stays"]), 30)

    async def all_out() -> bool:
        return await redis.xlen(ACTIONS) >= len(tickers)

    await wait_until(all_out, 30)
    assert sorted(ticker for _, ticker in await arenas_of_actions(redis)) == sorted(tickers)

    async def let_go() -> bool:
        return {text(one) for one in await redis.smembers("maf:groups") if b"maf:triggers" in one} == {
            "test:stays\nmaf:triggers"
        }

    await wait_until(let_go)
    assert await redis.exists("test:other10") == 1
    assert await redis.xinfo_groups("test:other10") == []


async def test_a_run_that_hangs_in_one_process_is_cancelled_by_any(redis, services, write_arena, ask, answer):
    """With all places of all processes taken."""
    write_arena("panel")
    await services(2, MAF_MAX_CONCURRENT_RUNS="2")
    runs = [await ask(command="run_arena", arena="panel", target={"ticker": f"S{number}"}) for number in range(6)]
    await wait_until(lambda: _at_least(redis, 4))
    assert (await answer(await ask(command="ping")))["status"] == "completed"
    for command_id in runs[:4]:
        cancelled = await answer(await ask(command="cancel_run", arena_id=command_id, who="anna", why="enough"))
        assert (cancelled["status"], cancelled["arena_id"]) == ("completed", f"panel-{command_id}")
        ended = await answer(command_id)
        assert ended["status"] == "failed"
        assert "the run was cancelled: by anna: enough" in ended["error"]
    await wait_until(lambda: _at_least(redis, 6), 20)  # their places are free
    for number in (4, 5):
        await redis.set(f"go:S{number}", 1)
        assert (await answer(runs[number]))["status"] == "completed"
    assert [ticker for _, ticker in await arenas_of_actions(redis)] == ["S4", "S5"]
    assert len(entries(await redis.xrange(CONTROL_OUT))) == 6 + 6 + 1 + 4


async def _at_least(redis, count: int) -> bool:
    return await redis.llen("began") >= count
