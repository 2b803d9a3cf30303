"""What goes over a connection arrives as it was sent, and a server that takes nothing in is noticed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Connection
from redis.exceptions import DataError
from redis.exceptions import TimeoutError as RedisTimeoutError

from maf_core.streams.prompt import prompt
from maf_core.testing import wait_until

ARGUMENTS = st.lists(st.binary(max_size=50) | st.text(max_size=20) | st.integers() | st.floats(), max_size=6)


@given(command=st.sampled_from(["SET", "XGROUP CREATE", b"CLIENT INFO"]), arguments=ARGUMENTS)
def test_commands_are_packed_as_the_client_would(command, arguments):
    ours, theirs = prompt(Connection)(), Connection()
    assert b"".join(ours.pack_command(command, *arguments)) == b"".join(theirs.pack_command(command, *arguments))


def test_what_cannot_be_sent_is_refused():
    with pytest.raises(DataError):
        prompt(Connection)().pack_command("SET", "k", None)


async def test_much_is_sent_whole(redis):
    large = bytes(range(256)) * 100_000
    await redis.set("k", large)
    assert await redis.get("k") == large


@pytest.fixture
async def deaf():
    """A connection to somebody who takes nothing in."""
    ends: list[asyncio.BaseTransport] = []

    async def listen(_, writer):
        ends.append(writer.transport)

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = prompt(Connection)(port=port, protocol=2, driver_info=None, socket_timeout=0.1)
        await connection.connect()
        await wait_until(lambda: ends)
        ends[0].pause_reading()
        ends.append(connection._writer.transport)
        yield connection
        for end in ends:
            end.abort()
        await asyncio.sleep(0)


async def test_a_server_that_takes_nothing_in_is_noticed(deaf):
    with pytest.raises(RedisTimeoutError):
        await deaf.send_command("SET", "k", b"x" * 50_000_000)
    assert not deaf.is_connected


async def test_a_command_that_is_cut_short_costs_the_connection(deaf):
    """Whoever had it next would send the rest."""
    deaf.socket_timeout = 60
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await deaf.send_command("SET", "k", b"x" * 50_000_000)
    assert not deaf.is_connected
