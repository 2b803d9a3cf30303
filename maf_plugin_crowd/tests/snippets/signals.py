"""Follow the signals about reports: backfill the newest, then tail from there, each prediction once."""

import asyncio
import json
import os

from redis.asyncio import Redis

STREAM = "maf:arena:crowd_simulation:output"


async def main() -> None:
    async with Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"), socket_timeout=None) as redis:
        seen: dict[str, None] = {}
        found, last = list(await redis.xrevrange(STREAM, count=100))[::-1], "0"
        while True:
            for entry_id, fields in found:
                last, envelope = entry_id, json.loads(fields[b"data"])
                if envelope["decision_kind"] == "fomo2_signal" and envelope["correlation_id"] not in seen:
                    seen[envelope["correlation_id"]] = None
                    print(envelope["prediction"]["source_id"], envelope["decision"]["signal"], flush=True)
            found = [entry for _, some in await redis.xread({STREAM: last}, block=0) for entry in some]


asyncio.run(main())
