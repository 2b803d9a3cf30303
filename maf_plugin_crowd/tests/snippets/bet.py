"""Take the crowd's word on a bet: only what was decided within the last minutes, and never more than our own limit."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

STREAM, OUR_LIMIT_USD, FRESH = "maf:arena:crowd_simulation:output", 25.0, timedelta(minutes=5)


async def main() -> None:
    async with Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0")) as redis:
        for _, fields in await redis.xrevrange(STREAM, count=200):
            envelope = json.loads(fields[b"data"])
            if envelope["schema_version"] != "1" or envelope["decision_kind"] != "polymarket_side":
                continue
            age = datetime.now(UTC) - datetime.fromisoformat(envelope["published_at"].replace("Z", "+00:00"))
            side, size = envelope["decision"]["side"], min(OUR_LIMIT_USD, envelope["decision"]["suggested_size_usd"])
            print(envelope["prediction"]["source_id"], "SKIP" if age > FRESH else side, f"{size:.2f} USD")


asyncio.run(main())
