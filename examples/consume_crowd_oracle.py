"""Follow the predictions of MAF's crowd. Needs `pip install redis` and nothing of MAF: copy and change it.

python consume_crowd_oracle.py                                  what comes from now on
python consume_crowd_oracle.py --count 5                        the five newest, newest first, and stop
python consume_crowd_oracle.py --source-type polymarket_bet     only predictions about bets
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections import OrderedDict
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

STREAM = "maf:arena:crowd_simulation:output"
SCHEMA_VERSION = "1"
SOURCE_TYPES = ("fomo2_report", "polymarket_bet", "oddsoddy_strategy")
REMEMBERED = 1000  # ids kept to recognise a prediction that was delivered twice
PAGE = 200
RETRY_SECONDS = 1.0

Envelope = dict[str, Any]
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


class Reader:
    """Turns entries into lines, one for each prediction that is wanted and new."""

    def __init__(self, source_type: str | None) -> None:
        self._source_type = source_type
        self._seen = Seen()

    def line(self, fields: dict[bytes, bytes]) -> str | None:
        """A prediction in one line; None for another version, another source, a repeat, or what cannot be read."""
        try:
            envelope = json.loads(fields[b"data"])
            wanted = envelope["schema_version"] == SCHEMA_VERSION and self._source_type in (
                None,
                envelope["prediction"]["source_type"],
            )
            line = describe(envelope) if wanted else None
            return line if line and self._seen.first_time(envelope["correlation_id"]) else None
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            print(f"skipped an entry: {type(error).__name__}: {error}", file=sys.stderr)
            return None


def describe(envelope: Envelope) -> str | None:
    """What a person wants to see of it; None for a kind of decision that this program does not know."""
    decision, prediction = envelope["decision"], envelope["prediction"]
    match envelope["decision_kind"]:
        case "polymarket_side":
            said = (
                f"{decision['side']:4} edge {decision['edge_bps']:+5d} bps  {decision['suggested_size_usd']:8.2f} USD"
            )
        case "fomo2_signal":
            said = f"{decision['signal']:4} confidence {decision['confidence']:.2f}  {decision['horizon_hours']} h"
        case "oddsoddy_multiplier":
            said = "VETO" if decision["gate"] else f"x{decision['multiplier']:.2f}"
        case _:
            return None
    crowd = f"{prediction['outcome']:4} {prediction['probability']:.0%}, dissent {prediction['dissent_pct']:.0%}"
    return f"{prediction['source_type']:17} {str(prediction['source_id'])[:24]:24} {crowd:22} {said}"


async def newest(redis: Redis, options: argparse.Namespace) -> None:
    """Show the newest predictions, newest first, and stop."""
    reader, shown, last = Reader(options.source_type), 0, "+"
    while shown < options.count:
        page: Any = await redis.xrevrange(options.stream, max=last, count=PAGE)
        for entry_id, fields in page:
            last = f"({entry_id.decode()}"
            line = reader.line(fields)
            if line and shown < options.count:
                print(line, flush=True)
                shown += 1
        if len(page) < PAGE:
            return


async def follow(redis: Redis, options: argparse.Namespace) -> None:
    """Show what comes from now on; goes on where it was after the server was away."""
    reader, last = Reader(options.source_type), "$"
    while True:
        try:
            answer: Any = await redis.xread({options.stream: last}, block=0)
        except RedisConnectionError as error:
            print(f"the server is away, trying again: {error}", file=sys.stderr)
            await asyncio.sleep(RETRY_SECONDS)
            continue
        for _, entries in answer:
            for entry_id, fields in entries:
                last = entry_id.decode()
                line = reader.line(fields)
                if line:
                    print(line, flush=True)


async def run(options: argparse.Namespace) -> None:
    """Connect, and show what was asked for."""
    # Blocking without end needs a socket that waits without end; newer clients give up after five seconds by default.
    async with Redis.from_url(options.redis_url, socket_timeout=None) as redis:
        await (follow if options.count is None else newest)(redis, options)


def positive(text: str) -> int:
    """A number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main() -> None:
    """Read the options and run until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Follow the predictions of MAF's crowd.")
    parser.add_argument("--redis-url", default=os.environ.get("REDIS_URL", "redis://localhost:6379/0"))
    parser.add_argument("--stream", default=STREAM)
    parser.add_argument("--count", type=positive, metavar="N", help="show the N newest, newest first, and stop")
    parser.add_argument("--source-type", choices=SOURCE_TYPES, help="only predictions about one of these")
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
