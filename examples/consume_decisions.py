"""Follow the decisions of MAF's trading arena. Needs `pip install redis` and nothing of MAF: copy and change it.

python consume_decisions.py                 the latest decisions, then each new one
python consume_decisions.py --count 5       the five newest, newest first, and stop
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

STREAM = "maf:arena:trading_intelligence:output"
SCHEMA_VERSION = "1"
BACKFILL = 20  # decisions shown before following the stream
REMEMBERED = 1000  # ids kept to recognise a decision that was delivered twice
RETRY_SECONDS = 1.0

Entry = tuple[bytes, dict[bytes, bytes]]


class Seen:
    """A small LRU of correlation ids."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._size = size

    def first_time(self, correlation_id: str) -> bool:
        """Whether this id is new; remember it."""
        is_new = correlation_id not in self._ids
        self._ids[correlation_id] = None
        self._ids.move_to_end(correlation_id)
        while len(self._ids) > self._size:
            self._ids.popitem(last=False)
        return is_new


def show(entries: Iterable[Entry], seen: Seen, last: bytes = b"0") -> bytes:
    """Print the decision of each entry, unless it is of another version, broken, or was shown; return the last id."""
    for entry_id, fields in entries:
        last = entry_id
        line = describe(fields, seen)
        if line is not None:
            print(line, flush=True)
    return last


def describe(fields: dict[bytes, bytes], seen: Seen) -> str | None:
    """A decision in one line, or None when there is nothing to show."""
    try:
        envelope = json.loads(fields[b"data"])
        if envelope["schema_version"] != SCHEMA_VERSION:
            return None
        line = one_line(envelope)
        return line if seen.first_time(envelope["correlation_id"]) else None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        print(f"skipped an entry: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def one_line(envelope: dict[str, Any]) -> str:
    """What a person wants to see of a decision."""
    target, synthesis = envelope["decision"]["target"], envelope["decision"]["synthesis"]
    numbers = f"confidence {synthesis['confidence']:.2f}  score {synthesis['ensemble_score']:+.2f}"
    about = f"{target.get('trade_date', ''):10}  {target['ticker']:6}"
    return f"{about}  {synthesis['verdict']:4}  {numbers}  {envelope['correlation_id']}"


async def newest(redis: Redis, stream: str, count: int) -> list[Entry]:
    """The newest entries, newest first."""
    found: Any = await redis.xrevrange(stream, count=count)
    return list(found)


async def follow(redis: Redis, stream: str) -> None:
    """Show the latest decisions, then every new one; goes on after the server was away."""
    seen = Seen()
    last = show(reversed(await newest(redis, stream, BACKFILL)), seen)
    while True:
        try:
            answer: Any = await redis.xread({stream: last}, block=0)
        except RedisConnectionError as error:
            print(f"the server is away, trying again: {error}", file=sys.stderr)
            await asyncio.sleep(RETRY_SECONDS)
            continue
        for _, entries in answer:
            last = show(entries, seen, last)


async def run(options: argparse.Namespace) -> None:
    """Connect, and show what was asked for."""
    # Blocking without end needs a socket that waits without end; newer clients give up after five seconds by default.
    async with Redis.from_url(options.redis_url, socket_timeout=None) as redis:
        if options.count is None:
            await follow(redis, options.stream)
            return
        show(await newest(redis, options.stream, options.count), Seen())


def positive(text: str) -> int:
    """A number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main() -> None:
    """Read the options and run until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Follow the decisions of MAF's trading arena.")
    parser.add_argument("--redis-url", default=os.environ.get("REDIS_URL", "redis://localhost:6379/0"))
    parser.add_argument("--stream", default=STREAM)
    parser.add_argument("--count", type=positive, metavar="N", help="show the N newest, newest first, and stop")
    options = parser.parse_args()
    # A reader has nothing to finish: Ctrl-C ends it at once. Left to asyncio, a cancellation that falls on one of the
    # client's own time-outs is swallowed by Python before 3.13, and the wait goes on.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    try:
        asyncio.run(run(options))
    except RedisError as error:
        sys.exit(f"No Redis answers at the given address: {error}. Name another with --redis-url.")


if __name__ == "__main__":
    main()
