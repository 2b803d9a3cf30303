"""What a client says while nodes are away: the same as one of a single server that is."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.errors import RedisUnavailableError
from maf_core.streams.connect import connect
from maf_core.streams.publish import publish, publish_once
from maf_core.streams.quiet import backlogs
from maf_core.testing import wait_until

# One for each of the three nodes, in their order.
STREAMS = ("b", "c", "a")


@pytest.fixture
def killed(redis_cluster):
    """Kill nodes; afterwards they come back."""
    gone = []

    def kill(*nodes) -> None:
        for node in nodes:
            node.kill()
            gone.append(node)

    yield kill
    for node in gone:
        node.kill()
        node.start()
    redis_cluster.until_complete()


@pytest.mark.slow
async def test_what_the_others_have_can_be_read_and_the_rest_is_a_connection_error(redis, redis_cluster, killed):
    for stream in STREAMS:
        await publish(redis, stream, {})
        await redis.xgroup_create(stream, "g", "0")
        await redis.sadd("maf:groups", f"{stream}\ng")
    default = redis.get_default_node().port  # the node that redis-py asks about everything
    gone = next(number for number, node in enumerate(redis_cluster.nodes) if node.port == default)
    killed(redis_cluster.nodes[gone])
    mine, other = STREAMS[gone], STREAMS[gone - 1]
    assert len((await redis.xreadgroup("g", "me", {other: ">"}, block=10))[0][1]) == 1
    pipeline, together = redis.pipeline(transaction=False), redis.pipeline(transaction=True)
    for stream in STREAMS:
        pipeline.xlen(stream)
    together.xlen(mine)
    for answer in (
        redis.xlen(mine),
        redis.xreadgroup("g", "me", {mine: ">"}),
        publish_once(redis, mine, "k", {}),
        pipeline.execute(raise_on_error=False),
        together.execute(),
        backlogs(redis),
        redis.ping(),
    ):
        with pytest.raises(RedisConnectionError):
            await answer


@pytest.mark.slow
async def test_a_cluster_that_has_stopped_for_a_node_is_away_as_a_whole(redis, redis_cluster, killed):
    killed(redis_cluster.nodes[2])
    await wait_until(lambda: "cluster_state:fail" in redis_cluster.nodes[0].ask("CLUSTER", "INFO"))
    for answer in (
        redis.xlen("b"),
        redis.pipeline(transaction=False).xlen("b").execute(raise_on_error=False),
        redis.pipeline(transaction=True).xlen("b").execute(raise_on_error=False),
    ):
        with pytest.raises(RedisConnectionError):
            await answer


async def test_a_cluster_of_which_no_node_answers_is_a_connection_error_too(redis, redis_cluster, killed):
    killed(*redis_cluster.nodes)
    for answer in (redis.get("a"), redis.ping(), redis.pipeline(transaction=False).get("a").execute()):
        with pytest.raises(RedisConnectionError):
            await answer
    with pytest.raises(RedisUnavailableError, match="No Redis answers at"):
        async with connect(redis_cluster.url):
            pytest.fail("nobody is there")


async def test_a_client_is_back_at_work_when_the_node_is(redis, redis_cluster, killed):
    await redis.set("a", "kept")
    killed(redis_cluster.nodes[2])
    with pytest.raises(RedisConnectionError):
        await redis.get("a")
    await asyncio.to_thread(redis_cluster.nodes[2].start)
    await asyncio.to_thread(redis_cluster.until_complete)
    assert await redis.get("a") == b"kept"
