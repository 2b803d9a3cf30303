"""From a trigger to an execution on a cluster: everything once, whatever node goes down meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.demo.tally import payloads
from maf_core.streams.names import ACTIONS, CONTROL_OUT, DEAD, EXECUTIONS
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

ENTRIES = 240


async def put(redis) -> None:
    for number in range(ENTRIES):
        await publish(redis, "probe:in", {"go": True, "symbol": f"S{number}"})


async def once(redis) -> None:
    """Assert that every entry gave one action, one final execution and one answer."""
    actions = [action["arena_id"] async for action in payloads(redis, ACTIONS)]
    executions = [execution["action"]["arena_id"] async for execution in payloads(redis, EXECUTIONS)]
    ended = [said["command_id"] async for said in payloads(redis, CONTROL_OUT) if said["status"] == "completed"]
    assert len(set(actions)) == len(actions) == ENTRIES
    assert sorted(executions) == sorted(actions)
    assert len(set(ended)) == len(ended) == ENTRIES
    assert await redis.xlen(DEAD) == 0


async def test_every_entry_is_decided_and_executed_once(redis, serving):
    async with serving():
        await put(redis)
        await wait_until(lambda: reached(redis, ENTRIES), 60)
        await until_quiet(redis)
    await once(redis)


async def reached(redis, count: int) -> bool:
    """Whether so many were executed, as far as can be seen: a node may just be on its way back."""
    with suppress(RedisConnectionError):
        return await redis.xlen(EXECUTIONS) >= count
    return False


@pytest.mark.slow
async def test_nodes_that_are_killed_and_come_back_cost_nothing(redis, redis_cluster, serving):
    """Two come back before the others have noticed, the third after the whole cluster has stopped for it."""
    last = redis_cluster.nodes[-1]
    async with serving():
        await put(redis)
        for number, node in enumerate(redis_cluster.nodes, 1):
            await wait_until(lambda count=number * ENTRIES // 5: reached(redis, count), 60)
            node.kill()
            if node is last:
                await wait_until(lambda: "cluster_state:fail" in redis_cluster.nodes[0].ask("CLUSTER", "INFO"))
            await asyncio.to_thread(node.start)
            await asyncio.to_thread(redis_cluster.until_complete)
        await wait_until(lambda: reached(redis, ENTRIES), 60)
        await until_quiet(redis)
    await once(redis)
