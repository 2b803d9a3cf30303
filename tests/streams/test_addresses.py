"""The kinds of address a connection can be opened to, on a real server."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from maf_core.streams.connect import connect, server_url
from maf_core.streams.publish import publish_once
from maf_core.streams.valkey import binary
from maf_core.testing import wait_until


@pytest.fixture
def socket_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")
    path = folder / "v.sock"
    words = [binary(), "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:
        asyncio.run(wait_until(path.exists))
        yield path
        server.terminate()


async def test_a_unix_socket_is_an_address(socket_path):
    async with connect(f"unix://{socket_path}") as redis:
        assert (await publish_once(redis, "s", "k", {})).fresh
        assert not (await publish_once(redis, "s", "k", {})).fresh


async def test_a_server_of_ones_own_is_used_as_it_is(redis_url, tmp_path):
    async with server_url(redis_url, tmp_path / "unused") as url:
        assert url == redis_url
    assert not (tmp_path / "unused").exists()


async def test_embedded_brings_a_server_for_as_long_as_it_is_open(tmp_path):
    async with server_url("embedded", tmp_path) as url, connect(url) as redis:
        await redis.set("k", "v")
    async with server_url("embedded", tmp_path) as url, connect(url) as redis:
        assert await redis.get("k") == b"v"
