"""Size a trade of our own: ask what the crowd said of this strategy, and take our own size where it said nothing."""

import asyncio
import json
import os
import sys

from redis.asyncio import Redis

STREAM, OUR_SIZE_USD = "maf:arena:crowd_simulation:output", 50.0


async def main(strategy_id: str) -> None:
    multiplier, reason = 1.0, "the crowd said nothing"
    async with Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0")) as redis:
        for _, fields in await redis.xrevrange(STREAM, count=500):
            envelope = json.loads(fields[b"data"])
            if (envelope["decision_kind"], envelope["prediction"]["source_id"]) == ("oddsoddy_multiplier", strategy_id):
                said = envelope["decision"]
                multiplier, reason = 0.0 if said["gate"] else said["multiplier"], said["reason"]
                break
    print(f"{strategy_id}: {OUR_SIZE_USD * multiplier:.2f} USD. {reason}")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "s-1"))
