"""An embedded server that dies is brought back, by one of those who use it, with its data and on its port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from maf_core.errors import EmbeddedServerError, RedisUnavailableError
from maf_core.plane.commands import Command, send
from maf_core.service import heartbeat_key
from maf_core.streams import embedded, valkey
from maf_core.streams.connect import connect, server_url
from maf_core.streams.embedded import EmbeddedServer
from maf_core.streams.names import CONTROL_OUT
from maf_core.testing import wait_until


def server_pid(folder: Path) -> int:
    return json.loads((folder / "server.json").read_text()).get("pid", 0)


def starts(folder: Path) -> int:
    return (folder / "valkey.log").read_text().count("Ready to accept connections")


async def answers(url: str) -> bool:
    try:
        async with connect(url):
            return True
    except RedisUnavailableError:
        return False


async def killed(folder: Path, url: str) -> None:
    """Kill the server, and wait until another one answers."""
    pid = server_pid(folder)
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: server_pid(folder) not in (0, pid))
    assert await wait_until(lambda: answers(url))


@asynccontextmanager
async def stalled(pid: int):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_it_comes_back_again_and_again_with_its_data(tmp_path):
    async with server_url("embedded", tmp_path) as url:
        for number in range(3):
            async with connect(url) as client:
                await client.rpush("kept", number)
            await killed(tmp_path, url)
        async with connect(url) as client:
            assert await client.lrange("kept", 0, -1) == [b"0", b"1", b"2"]
    assert not await answers(url)
    assert not (tmp_path / "server.json").exists()


async def test_of_several_users_one_brings_it_back(tmp_path, program):
    async with program("guard.py", str(tmp_path)) as one, program("guard.py", str(tmp_path)) as two:
        urls = [(await process.stdout.readline()).decode().strip() for process in (one, two)]
        assert urls[0] == urls[1]
        for count in range(1, 4):
            await killed(tmp_path, urls[0])
            assert starts(tmp_path) == 1 + count
        os.kill(one.pid, signal.SIGKILL)  # whoever started it
        await one.wait()
        await killed(tmp_path, urls[0])
        two.stdin.write(b"\n")
        assert await two.wait() == 0
    assert not await answers(urls[0])


async def test_one_that_cannot_be_brought_back_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_AGAIN_SECONDS", 0.1)
    async with server_url("embedded", tmp_path) as url:
        (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
        aside = log.rename(tmp_path / "aside")
        log.write_bytes(b"no such command\r\n")
        os.kill(server_pid(tmp_path), signal.SIGKILL)
        await wait_until(lambda: "Bad file format" in (tmp_path / "valkey.log").read_text())
        aside.rename(log)
        assert await wait_until(lambda: answers(url))


async def test_one_that_does_not_answer_is_not_given_a_second_one(tmp_path, monkeypatch):
    monkeypatch.setattr(valkey, "_ANSWER_SECONDS", 1.0)
    first, second = EmbeddedServer(tmp_path), EmbeddedServer(tmp_path)
    await first.start()
    async with stalled(server_pid(tmp_path)):
        with pytest.raises(EmbeddedServerError, match=r"on port \d+ does not answer\. Wait until it does, or end it"):
            await second.start()
    await second.start()
    assert starts(tmp_path) == 1
    await first.stop()
    await second.stop()


async def test_whoever_started_it_may_have_been_killed_before_it_was_noted(tmp_path):
    first, second = EmbeddedServer(tmp_path), EmbeddedServer(tmp_path)
    await first.start()
    (tmp_path / "server.json").write_text(json.dumps({"port": first.port}))
    await second.start()
    assert second.url == first.url
    await first.stop()
    await second.stop()
    assert not await answers(first.url)


async def test_a_port_that_somebody_else_has_by_now_is_left_to_them(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens: whoever connects is refused
        (tmp_path / "server.json").write_text(json.dumps({"port": taken.getsockname()[1], "pid": 1}))
        server = EmbeddedServer(tmp_path)
        await server.start()
        assert server.port != taken.getsockname()[1]
        await server.stop()


@pytest.mark.slow
async def test_a_service_goes_on_after_its_server_was_killed(tmp_path, maf_process):
    process = maf_process("service", "run", "--redis", "embedded", "--data", str(tmp_path), "--plugins", "")
    await wait_until(lambda: (tmp_path / "server.json").exists() and server_pid(tmp_path), timeout_s=30)
    url = f"redis://127.0.0.1:{json.loads((tmp_path / 'server.json').read_text())['port']}/0"
    async with connect(url) as client:
        await wait_until(lambda: client.exists(heartbeat_key(process.pid)), timeout_s=30)
    await killed(tmp_path, url)
    async with connect(url) as client:
        before = await client.xlen(CONTROL_OUT)
        await send(client, Command(command="ping"))
        await wait_until(lambda: has_grown(client, before), timeout_s=30)
    process.terminate()
    await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    assert not await answers(url)


async def has_grown(client, before: int) -> bool:
    return await client.xlen(CONTROL_OUT) > before
