"""Events are written in order and in batches; when they cannot be, nobody waits and the loss is counted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from structlog.testing import capture_logs

from maf_core.streams import codec
from maf_core.streams.embedded import EmbeddedServer
from maf_core.streams.events import EventBus
from maf_core.streams.names import EVENTS
from maf_core.streams.valkey import free_port
from maf_core.testing import wait_until


@asynccontextmanager
async def writing(bus: EventBus):
    """Run the bus as the service does: until closed."""
    task = asyncio.create_task(bus.run())
    await asyncio.sleep(0)  # let it begin
    try:
        yield
    finally:
        bus.close()
        await task


async def written(redis) -> list[dict]:
    return [codec.decode(fields) for _, fields in await redis.xrange(EVENTS)]


async def test_an_event_says_what_when_and_where(redis):
    bus = EventBus(redis)
    async with writing(bus):
        bus.emit("phase.start", arena="t", arena_id="t-1", phase="decide", correlation_id="c", pattern="parallel")
    (event,) = await written(redis)
    assert datetime.fromisoformat(event.pop("ts")).tzinfo is not None
    assert event == {
        "kind": "phase.start",
        "arena": "t",
        "arena_id": "t-1",
        "phase": "decide",
        "correlation_id": "c",
        "payload": {"pattern": "parallel"},
    }


async def test_what_is_left_is_written_at_the_end_in_order_and_in_few_round_trips(redis):
    bus = EventBus(redis)
    async with writing(bus):
        for number in range(1000):
            bus.emit("llm.call", number=number)
    assert [event["payload"]["number"] for event in await written(redis)] == list(range(1000))
    assert bus.dropped == 0


async def test_the_stream_is_bounded(redis):
    bus = EventBus(redis, maxlen=100)
    async with writing(bus):
        for number in range(1000):
            bus.emit("llm.call", number=number)
    assert len(await written(redis)) <= 200


async def test_a_full_queue_drops_the_newest_and_counts_them(redis):
    bus = EventBus(redis)
    for number in range(10_003):
        bus.emit("llm.call", number=number)
    assert bus.dropped == 3
    async with writing(bus):
        await wait_until(lambda: bus._queue.empty())
    assert [event["payload"]["number"] for event in await written(redis)] == list(range(10_000))


async def test_a_server_that_is_away_costs_events_and_one_line_in_the_log(tmp_path):
    port = free_port()
    async with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        bus = EventBus(client)
        with capture_logs() as logs:
            async with writing(bus):
                for count in range(1, 4):
                    bus.emit("llm.call")
                    await wait_until(lambda expected=count: bus.dropped == expected)
                server = EmbeddedServer(tmp_path, port=port)
                await server.start()
                bus.emit("llm.call", back=True)

                async def is_back() -> bool:
                    return bool(await client.exists(EVENTS))

                await wait_until(is_back)
        assert [line["event"] for line in logs] == ["events_not_written"]
        assert [event["payload"] for event in await written(client)] == [{"back": True}]
    await server.stop()


async def test_an_event_that_is_no_json_is_dropped_and_the_others_go_on(redis):
    bus = EventBus(redis)
    async with writing(bus):
        bus.emit("source.error", error=object())
        bus.emit("source.error", error="lone surrogate \ud800")
        bus.emit("llm.call", fine=True)
        await wait_until(lambda: redis.exists(EVENTS))
    assert [event["payload"] for event in await written(redis)] == [{"fine": True}]
    assert bus.dropped == 2
