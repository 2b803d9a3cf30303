"""Connections: none more than allowed, and whoever waits for one gets it."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.streams.connect import connect
from maf_core.streams.pool import WaitingPool


@pytest.fixture
async def narrow(redis_url):
    """A client of two connections."""
    async with Redis.from_pool(WaitingPool(max_connections=2, **parse_url(redis_url))) as client:
        yield client


async def test_who_finds_all_connections_taken_waits_for_one(narrow):
    counted = await asyncio.gather(*(narrow.client_id() for _ in range(50)))
    assert len(counted) == 50
    assert len(set(counted)) == 2


async def test_a_command_that_is_cancelled_gives_its_place_back(narrow):
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await narrow.wait(1, 4000)  # for a replica, which there is not
    assert await narrow.ping()


async def test_a_connection_that_cannot_be_made_gives_its_place_back():
    async with Redis.from_pool(WaitingPool(max_connections=1, host="127.0.0.1", port=1)) as client:
        for _ in range(3):
            with pytest.raises(RedisConnectionError):
                await client.ping()


async def test_nobody_waits_for_less_than_for_ever(redis_url):
    """Whatever the address says of it."""
    async with connect(f"{redis_url}?timeout=0.001") as client:
        assert await client.ping()
