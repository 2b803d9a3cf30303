"""A client of a cluster behaves as one of a single server does."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, ResponseError

from maf_core.errors import UsageError
from maf_core.streams.cluster import by_slot, every_node
from maf_core.streams.connect import connect
from maf_core.streams.publish import publish_once
from maf_core.testing import wait_until

# One for each of the three nodes.
KEYS = ("a", "b", "c")


async def test_any_node_is_the_address_of_the_whole_cluster(redis_cluster):
    for node in redis_cluster.nodes:
        node.ask("FLUSHALL")
    for node in redis_cluster.nodes:
        async with connect(node.url) as client:
            for key in KEYS:
                await client.set(key, node.port)
                assert await client.get(key) == str(node.port).encode()
    sizes = [node.ask("DBSIZE") for node in redis_cluster.nodes]
    assert sizes == [1, 1, 1], "the keys lie on one node each"


@pytest.mark.parametrize("address", ["redis://127.0.0.1:{port}/3", "redis://127.0.0.1:{port}?db=3"])
async def test_a_cluster_has_one_database(redis_cluster, address):
    url = address.format(port=redis_cluster.nodes[0].port)
    with pytest.raises(UsageError, match=r"is a node of a Redis Cluster, which has database 0 only.*Use redis://host"):
        async with connect(url):
            pytest.fail("there is no such database")


async def test_what_one_command_can_read_is_read_together(redis):
    streams = ["a", "{a}:1", "b", "{b}:1", "a:1"]
    assert by_slot(redis, streams) == [["a", "{a}:1"], ["b", "{b}:1"], ["a:1"]]
    assert by_slot(Redis(), streams) == [streams]


async def test_looking_at_everything_means_all_nodes(redis):
    for key in KEYS:
        await redis.set(key, 1)
    assert await redis.dbsize() == 3
    assert sorted(await redis.keys()) == sorted([key async for key in redis.scan_iter()]) == [b"a", b"b", b"c"]
    assert len(await every_node(redis, "INFO", "server")) == 3
    await redis.flushall()
    assert await redis.dbsize() == 0


async def test_a_pipeline_takes_commands_of_all_slots_in_their_order(redis):
    pipeline = redis.pipeline(transaction=False)
    for key in KEYS * 2:
        pipeline.incr(key)
    for key in KEYS:
        pipeline.unlink(key)
    assert await pipeline.execute() == [1, 1, 1, 2, 2, 2, 1, 1, 1]


async def test_a_pipeline_gives_errors_as_answers_when_asked_to(redis):
    await redis.set("b", "text")
    pipeline = redis.pipeline(transaction=False)
    for key in KEYS:
        pipeline.incr(key)
    one, error, other = await pipeline.execute(raise_on_error=False)
    assert (one, other) == (1, 1)
    assert isinstance(error, ResponseError)


async def test_a_transaction_is_one_step_within_a_slot(redis):
    """Nobody sees the one key without the other."""

    async def write() -> None:
        for number in range(100):
            async with redis.pipeline(transaction=True) as together:
                together.set("{a}:1", number)
                together.set("{a}:2", number)
                assert await together.execute() == [True, True]

    writing = asyncio.create_task(write())
    looks = set()
    while not writing.done():
        looks.add(tuple(await redis.mget("{a}:1", "{a}:2")))
    await writing
    assert len(looks) > 1
    assert {one for one, other in looks if one != other} == set()


async def test_a_transaction_over_slots_is_refused_and_does_nothing(redis):
    async with redis.pipeline(transaction=True) as together:
        together.set("a", 1)
        together.set("b", 1)
        with pytest.raises(RedisClusterException, match="same slot"):
            await together.execute()
    assert await redis.dbsize() == 0


async def test_queueing_a_transaction_starts_no_thread(redis, monkeypatch):
    monkeypatch.setattr("threading.Thread.start", lambda thread: pytest.fail(f"{thread} was started"))
    async with redis.pipeline(transaction=True) as together:
        together.get("{a}:1")
        together.hexists("{a}:2", "field")
        assert await together.execute() == [None, False]


async def test_watching_keys_works_as_in_redis_py(redis):
    async with redis.pipeline(transaction=True) as together:
        await together.watch("{a}:1")
        assert await together.get("{a}:1") is None
        together.multi()
        together.set("{a}:1", "mine")
        assert await together.execute() == [True]


@pytest.mark.parametrize("most", [1, 4])
async def test_whoever_finds_all_connections_taken_waits_for_one(redis_url, redis, most):
    async with connect(f"{redis_url}?max_connections={most}") as client:
        pipelines = [client.pipeline(transaction=False).incr(key) for key in KEYS * 50]
        await asyncio.gather(*(client.incr(key) for key in KEYS * 50), *(each.execute() for each in pipelines))
    assert [await redis.get(key) for key in KEYS] == [b"100"] * 3


async def test_a_script_is_loaded_where_it_is_missing(redis, redis_cluster):
    for key in KEYS:
        assert (await publish_once(redis, key, "k", {})).fresh
    redis_cluster.nodes[1].ask("SCRIPT", "FLUSH")
    for key in KEYS:
        assert not (await publish_once(redis, key, "k", {})).fresh
        assert (await publish_once(redis, key, "other", {})).fresh


async def test_a_read_that_is_under_way_when_the_client_is_closed_ends_and_leaves_nothing_open(redis, redis_cluster):
    before = connected(redis_cluster)
    async with connect(redis_cluster.url) as client:
        reading = asyncio.create_task(client.xread({"a": "$"}, block=60_000))
        await wait_until(lambda: blocked(redis))
    with pytest.raises(RedisConnectionError):
        await reading
    await wait_until(lambda: connected(redis_cluster) == before)


def connected(cluster) -> list[str]:
    """How many clients each node has."""
    return [node.ask("INFO", "clients")["connected_clients"] for node in cluster.nodes]


async def blocked(redis) -> int:
    """How many clients wait for entries."""
    return sum(clients["blocked_clients"] for clients in await every_node(redis, "INFO", "clients"))
