"""A server that goes away and comes back: the service waits for it, and is back at work at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
import structlog
from redis.exceptions import RedisError

from maf_core.context import AppContext
from maf_core.plane.commands import Command, send
from maf_core.service import Service
from maf_core.settings import Settings
from maf_core.streams import codec
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def serving(context: AppContext):
    stop = asyncio.Event()
    service = asyncio.create_task(Service(context).run(stop))
    try:
        yield
    finally:
        stop.set()
        await service


async def test_workers_come_back_with_the_server_and_no_failure_is_counted(tmp_path, load):
    server = EmbeddedServer(tmp_path)
    await server.start()
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    with structlog.testing.capture_logs() as logs:
        async with connect(server.url) as redis:
            context = AppContext.create(redis, Settings(), load())
            async with serving(context):
                await wait_until(lambda: answers_a_ping(redis))
                for away_s in (3.0, 0.5):
                    await server.stop()
                    await asyncio.sleep(away_s)  # how long it is away is what this is about
                    server = EmbeddedServer(tmp_path, port=port)
                    await server.start()
                    await wait_until(lambda: answers_a_ping(redis))
        await server.stop()
    told = [line["event"] for line in logs]  # no delay grew: nothing was counted as a worker's failure
    assert told.count("server_back") == 2
    assert {"worker_restarts", "worker_died"} & set(told) == set()


async def answers_a_ping(redis) -> bool:
    try:
        command_id = await send(redis, Command(command="ping"))
        await wait_until(lambda: _answered(redis, command_id), 2)
    except (RedisError, OSError, TimeoutError):
        return False
    return True


async def _answered(redis, command_id: str) -> bool:
    found = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    return any(answer["command_id"] == command_id for answer in found)
