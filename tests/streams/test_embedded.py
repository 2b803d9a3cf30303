"""The embedded server: one for each folder, shared by processes, and its data outlives all of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from maf_core.errors import EmbeddedServerError, RedisUnavailableError
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_core.testing import wait_until


async def url_of(process) -> str:
    """What `programs/server.py` prints once it uses the server."""
    return (await process.stdout.readline()).decode().strip()


async def leave(process) -> None:
    """Let `programs/server.py` end by itself."""
    process.stdin.write(b"\n")
    await process.stdin.drain()
    assert await process.wait() == 0


async def is_gone(url: str) -> bool:
    try:
        async with connect(url):
            return False
    except RedisUnavailableError:
        return True


def server_pid(folder: Path) -> int:
    return json.loads((folder / "server.json").read_text())["pid"]


async def put(url: str, key: str) -> None:
    async with connect(url) as client:
        await client.set(key, "1")


async def has(url: str, key: str) -> bool:
    async with connect(url) as client:
        return bool(await client.exists(key))


async def test_data_survives_a_restart(tmp_path):
    server = EmbeddedServer(tmp_path / "new" / "folder")
    await server.start()
    await put(server.url, "kept")
    await server.stop()
    assert await is_gone(server.url)
    again = EmbeddedServer(tmp_path / "new" / "folder")
    await again.start()
    assert await has(again.url, "kept")
    await again.stop()


async def test_a_second_process_joins_and_the_last_one_out_stops_it(tmp_path, program):
    async with program("server.py", str(tmp_path)) as first, program("server.py", str(tmp_path)) as second:
        url = await url_of(first)
        assert await url_of(second) == url
        await put(url, "shared")
        await leave(first)
        assert await has(url, "shared")
        await leave(second)
        assert await is_gone(url)
    assert not (tmp_path / "server.json").exists()


async def test_processes_that_come_and_go_at_once_share_one_server(tmp_path, program):
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(program("server.py", str(tmp_path))) for _ in range(3)]
        urls = await asyncio.gather(*map(url_of, processes))
        assert len(set(urls)) == 1
        await asyncio.gather(*map(leave, processes))
        assert await is_gone(urls[0])


async def test_the_one_that_started_it_may_leave_first(tmp_path):
    first, second = EmbeddedServer(tmp_path), EmbeddedServer(tmp_path)
    await first.start()
    await second.start()
    await first.stop()
    assert not await is_gone(second.url)
    await second.stop()
    await second.stop()
    assert await is_gone(second.url)


async def test_two_folders_do_not_collide(tmp_path):
    one, two = EmbeddedServer(tmp_path / "one"), EmbeddedServer(tmp_path / "two")
    await asyncio.gather(one.start(), two.start())
    assert one.url != two.url
    await put(one.url, "mine")
    assert not await has(two.url, "mine")
    await one.stop()
    assert not await is_gone(two.url)
    await two.stop()


async def test_when_its_owner_is_killed_the_next_one_finds_the_data(tmp_path, program):
    async with program("server.py", str(tmp_path)) as owner:
        url = await url_of(owner)
        await put(url, "kept")
        os.kill(owner.pid, signal.SIGKILL)
        await owner.wait()
    heir = EmbeddedServer(tmp_path)
    await heir.start()
    assert heir.url == url
    assert await has(heir.url, "kept")
    await heir.stop()
    assert await is_gone(url)


async def test_when_owner_and_server_are_killed_the_next_one_finds_the_data(tmp_path, program):
    async with program("server.py", str(tmp_path)) as owner:
        url = await url_of(owner)
        await put(url, "kept")
        for pid in (owner.pid, server_pid(tmp_path)):
            os.kill(pid, signal.SIGKILL)
        await owner.wait()
    heir = EmbeddedServer(tmp_path)
    await heir.start()
    assert await has(heir.url, "kept")
    await heir.stop()


async def test_a_file_that_was_cut_off_in_the_middle_of_a_write_is_read_up_to_there(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    await put(server.url, "whole")
    await put(server.url, "cut off")
    await server.stop()
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 3)
    again = EmbeddedServer(tmp_path)
    await again.start()
    assert (await has(again.url, "whole"), await has(again.url, "cut off")) == (True, False)
    await again.stop()


async def test_a_file_that_cannot_be_read_is_a_sentence_with_the_servers_own_words(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    await put(server.url, "key")
    await server.stop()
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"no such command\r\n" + log.read_bytes())
    with pytest.raises(EmbeddedServerError, match=r"The embedded server ended at once\. Its log says: .*"):
        await EmbeddedServer(tmp_path).start()


async def test_a_port_in_use_is_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=rf"^Port {port} is in use: .* Name a free one"):
            await EmbeddedServer(tmp_path, port=port).start()


async def test_another_port_for_a_folder_that_is_served_is_a_sentence(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    with pytest.raises(EmbeddedServerError, match=f"is already served on port {server.port}"):
        await EmbeddedServer(tmp_path, port=server.port + 1).start()
    assert not await is_gone(server.url)
    await server.stop()


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file" / "below", tmp_path / "file"):
        with pytest.raises(EmbeddedServerError, match=r"cannot be written: .*\. Choose another with --data DIR\."):
            await EmbeddedServer(folder).start()


async def test_ctrl_c_does_not_reach_it(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    pid = server_pid(tmp_path)
    assert os.getsid(pid) == pid != os.getsid(0)
    await server.stop()


async def test_it_listens_on_this_machine_only(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    async with Redis(port=server.port) as client:
        assert (await client.config_get("bind"))["bind"] == "127.0.0.1"
    await server.stop()


async def test_a_stop_before_a_start_does_nothing(tmp_path):
    await EmbeddedServer(tmp_path / "unused").stop()
    assert await wait_until(lambda: not (tmp_path / "unused").exists())
