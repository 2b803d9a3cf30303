import asyncio, json, os, redis.asyncio
async def main(r=redis.asyncio.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"), socket_timeout=None)):
    for _, entries in await r.xread({"maf:arena:crowd_simulation:output": "$"}, block=0):
        print(*(json.loads(fields[b"data"])["decision"] for _, fields in entries))
asyncio.run(main())
