"""Slots move from node to node, as when a cluster gets another node, while clients know nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError

KEY = "a"
SLOT = key_slot(KEY.encode())


class Move:
    """The slot of `KEY` on its way from the last node, which has it at first, to the first one."""

    def __init__(self, cluster) -> None:
        self.there, _, self.here = cluster.nodes
        self.cluster = cluster

    def begin(self) -> None:
        """From now on the new node takes what is asked for, the old one answers as long as it has the key."""
        self.there.ask("CLUSTER", "SETSLOT", SLOT, "IMPORTING", self.here.ask("CLUSTER", "MYID"))
        self.here.ask("CLUSTER", "SETSLOT", SLOT, "MIGRATING", self.there.ask("CLUSTER", "MYID"))

    def carry(self) -> None:
        """Take the key over."""
        self.here.ask("MIGRATE", "127.0.0.1", self.there.port, KEY, 0, 5000)

    def end(self) -> None:
        """Tell everybody."""
        for node in (self.there, self.here):
            node.ask("CLUSTER", "SETSLOT", SLOT, "NODE", self.there.ask("CLUSTER", "MYID"))

    def back(self) -> None:
        """The other way round."""
        self.here, self.there = self.there, self.here


@pytest.fixture
async def move(redis, redis_cluster) -> AsyncIterator[Move]:
    await redis.set(KEY, 0)
    move = Move(redis_cluster)
    yield move
    await redis.flushall()
    move.back()
    move.begin()
    move.end()


async def count_up(redis) -> list[int]:
    """Once in each way a command is sent; what the answers say."""
    script = redis.register_script("return redis.call('INCR', KEYS[1])")
    pipeline = redis.pipeline(transaction=False).incr(KEY).incr("other")
    return [*await pipeline.execute(), await redis.incr(KEY), await script(keys=[KEY])]


async def count_up_together(redis) -> list[int]:
    """In a transaction."""
    async with redis.pipeline(transaction=True) as together:
        together.incr(KEY)
        together.incr(KEY)
        return await together.execute()


async def test_every_command_finds_the_key_at_every_moment(redis, move):
    assert await count_up(redis) == [1, 1, 2, 3]
    move.begin()
    assert await count_up(redis) == [4, 2, 5, 6]
    move.carry()
    assert await count_up(redis) == [7, 3, 8, 9]
    move.end()
    assert await count_up(redis) == [10, 4, 11, 12]


async def test_a_transaction_finds_the_key_unless_it_is_on_its_way_and_does_nothing_then(redis, move):
    assert await count_up_together(redis) == [1, 2]
    move.begin()
    assert await count_up_together(redis) == [3, 4]
    move.carry()
    with pytest.raises(RedisConnectionError):  # as if the node were away: whoever meets this tries again
        await count_up_together(redis)
    move.end()
    assert await count_up_together(redis) == [5, 6]
