"""`maf service ping`, `maf service reload` and `maf arena cancel`."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def words(maf, redis_url):
    """Run a command of the command line against the test server."""

    async def run(*arguments: str):
        return await asyncio.to_thread(maf, *arguments, "--redis", redis_url)

    return run


async def test_a_service_is_pinged_and_reloaded(words, services, folder, write_arena):
    say = await services(1, MAF_CONTROL='{"watch_config": false}')
    pinged = await words("service", "ping")
    assert pinged.stdout.startswith("A service answered after "), pinged.stderr
    write_arena("new")
    assert (await words("service", "reload")).stdout == "The services take the configuration up.\n"

    async def taken_up() -> bool:
        return (await say())[0]["arenas"] == ["new"]

    await wait_until(taken_up)
    write_arena("new", role="nobody")
    refused = await words("service", "reload")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{folder}/arenas/new.yaml:6:" in refused.stderr
    assert "nobody" in refused.stderr
    assert await taken_up()


async def test_without_a_service_it_says_what_to_do(redis, words):
    done = await words("service", "ping", "--timeout", "0.5")
    assert done.returncode == 1
    assert "No service answered within 0.5 s. Start one with: maf service run" in done.stderr


async def test_a_run_is_cancelled(redis, words, services, write_arena, ask, answer):
    write_arena()
    await services(1)
    command_id = await ask(command="run_arena", arena="panel", target={"ticker": "AAPL"})
    await wait_until(lambda: redis.llen("began"))
    done = await words("arena", "cancel", command_id, "--why", "wrong ticker")
    assert done.stdout == f"panel-{command_id}: cancelled\n", done.stderr
    assert ": wrong ticker (command " in (await answer(command_id))["error"]
    again = await words("arena", "cancel", f"panel-{command_id}")
    assert again.returncode == 1
    assert f"The run panel-{command_id} is over: it was cancelled before." in again.stderr
