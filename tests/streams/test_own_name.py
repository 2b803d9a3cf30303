"""A consumer whose name nobody else ever had: what it holds from before was interrupted, and nobody died over it."""

from __future__ import annotations

import pytest

from maf_core.streams.publish import publish
from maf_core.testing import wait_until


async def test_applications_have_names_of_their_own(make_context):
    names = {make_context().consumer_name for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize(("own_name", "deliveries"), [(True, 1), (False, 2)])
async def test_interruptions_count_unless_the_name_is_its_own(
    redis, consumer, consuming, seen, note, own_name, deliveries
):
    """The connection breaks after the read: at its next start the consumer finds the entry among what it holds."""
    await publish(redis, "in", {"n": 1})
    taker = consumer("mine", own_name=own_name)
    await taker.create_groups()
    (entry_id,) = [row[0] for row in (await redis.xreadgroup("g", "mine", {"in": ">"}))[0][1]]
    async with consuming(taker, note):
        await wait_until(lambda: seen)
    assert [(entry.id, entry.deliveries) for entry in seen] == [(entry_id.decode(), deliveries)]
