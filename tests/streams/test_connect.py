"""Opening a connection, and what a person is told when there is none."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.errors import RedisUnavailableError, UsageError
from maf_core.streams.connect import connect, masked, server_url

words = st.text("abcdefghij0123456789-_", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
        ("rediss://me:secret@host", "rediss://me:***@host"),
        ("redis://me:se@cret@host/1", "redis://me:***@host/1"),
        ("unix://me:secret@/run/redis.sock", "unix://me:***@/run/redis.sock"),
        ("redis://me@host", "redis://me@host"),
        ("embedded", "embedded"),
    ],
)
def test_a_password_is_not_shown(url, shown):
    assert masked(url) == shown


@given(user=words | st.just(""), password=words.map("pw-{}".format), host=words)
def test_no_password_is_shown(user, password, host):
    shown = masked(f"redis://{user}:{password}@{host}:6379/0")
    assert password not in shown
    assert shown.endswith(f"@{host}:6379/0")


@pytest.mark.parametrize("url", ["redis://host?password=secret", "redis://host/0?db=1&password=secret"])
def test_a_password_among_the_options_is_not_shown(url):
    assert "secret" not in masked(url)


async def test_a_connection_has_been_answered(redis_url, redis):
    async with connect(redis_url) as client:
        await client.set("here", 1)
    assert await redis.get("here") == b"1"


async def test_whenever_it_is_cancelled_no_connection_stays_open(redis_url, redis):
    """Also while it opens and while it closes; garbage with an open connection in it makes a test fail."""

    async def use() -> None:
        async with connect(redis_url) as client:
            await client.ping()

    async def cancelled_after(steps: int) -> bool:
        using = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        using.cancel()
        await asyncio.wait([using])
        return using.cancelled()

    for _ in range(5):
        steps = 0
        while await cancelled_after(steps):
            steps += 1
    gc.collect()


async def test_no_server_is_a_sentence_with_the_next_step():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it, but not listening
        port = nobody.getsockname()[1]
        with pytest.raises(RedisUnavailableError) as caught:
            async with connect(f"redis://me:secret@127.0.0.1:{port}/0"):
                pytest.fail("nobody answers here")
    text = str(caught.value)
    assert text.startswith(f"No Redis answers at redis://me:***@127.0.0.1:{port}/0 (")
    assert "--redis URL" in text
    assert "--redis embedded" in text
    assert "secret" not in text
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("url", ["http://localhost:6379", "localhost:6379", "", "/run/redis.sock"])
async def test_what_is_no_redis_address_is_refused(url, tmp_path):
    for opening in (connect(url), server_url(url, tmp_path)):
        with pytest.raises(UsageError, match=r"is no Redis address\. Use redis://host:port/0"):
            async with opening:
                pytest.fail("there is nothing to open")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:port/0",
        "redis://localhost:99999/0",
        "redis://[::1/0",
        "redis://localhost/0?db=first",
    ],
)
async def test_an_address_with_a_mistake_in_it_is_refused(url):
    with pytest.raises(UsageError, match="is no Redis address"):
        async with connect(url):
            pytest.fail("there is nothing to open")


async def test_the_embedded_server_lives_as_long_as_it_is_asked_for(tmp_path):
    async with server_url("embedded", tmp_path) as url, connect(url) as client:
        assert await client.ping()
    with pytest.raises(RedisUnavailableError):
        async with connect(url):
            pytest.fail("the server should be gone")


async def test_another_server_is_left_alone(redis_url, tmp_path):
    async with server_url(redis_url, tmp_path / "unused") as url:
        assert url == redis_url
    assert not (tmp_path / "unused").exists()
