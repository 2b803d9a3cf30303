"""A server that was away and is back: nobody is handed a connection that stems from before."""

from __future__ import annotations

import asyncio
import json
import os
import signal

from redis.asyncio import Redis

from maf_core.streams.connect import connect, server_url
from maf_core.testing import wait_until


async def restarted(folder, redis: Redis) -> None:
    pid = json.loads((folder / "server.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: json.loads((folder / "server.json").read_text()).get("pid", pid) != pid)


async def test_a_restart_breaks_no_command_that_comes_after_it(tmp_path):
    async with server_url("embedded", tmp_path) as url, connect(url) as redis:
        await asyncio.gather(*(redis.blpop(["nothing"], timeout=0.2) for _ in range(20)))
        await restarted(tmp_path, redis)
        assert await asyncio.gather(*(redis.ping() for _ in range(20))) == [True] * 20


async def test_a_server_that_says_nothing_is_away_after_a_while(tmp_path):
    async with server_url("embedded", tmp_path) as url, connect(f"{url}?socket_timeout=0.2") as redis:
        pid = json.loads((tmp_path / "server.json").read_text())["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            answers = await asyncio.gather(redis.ping(), redis.blpop(["nothing"], timeout=0), return_exceptions=True)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {type(answer).__name__ for answer in answers} == {"TimeoutError"}
        assert await redis.ping()
