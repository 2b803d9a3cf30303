"""What the Kronos refresher costs, beside a real server and a real forecast service (bootstrap, batches).

    python benchmarks/refreshers.py cold    10,000 symbols on the stream, 10 of them watched: calls, commands, CPU
    python benchmarks/refreshers.py load    500 watched symbols in 3 timeframes: who was refreshed within the cadence

In `load` every series has a new bar in each cadence, and refresher and service share one core. The server and what
feeds it have the others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from maf_core import AppContext, Target
from maf_core.bars import seconds_of
from maf_core.logs import configure
from maf_core.plane.watch import WatchList
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams.codec import encode
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_core.testing import wait_until
from maf_plugin_kronos.refresher import KronosRefresher
from maf_plugin_kronos.store import ForecastStore

HISTORY = 260
# What the benchmark itself sends while it measures.
OURS = {"cmdstat_xadd", "cmdstat_info", "cmdstat_config|resetstat"}


class Feed:
    """Random walks, one bar after another, on the streams that the refresher's source reads."""

    def __init__(self, redis: Redis, timeframes: Sequence[str]) -> None:
        self._redis = redis
        self._rng = random.Random(1)
        self._closes: dict[tuple[str, str], float] = {}
        self._opens: dict[tuple[str, str], datetime] = {}
        # Long ago, so that all bars to come are known when they come: nobody waits for a quarter of an hour to pass.
        bars = HISTORY + 1000
        self._begin = {tf: datetime.now(UTC) - bars * timedelta(seconds=seconds_of(tf)) for tf in timeframes}

    async def publish(self, series: Sequence[tuple[str, str]], count: int = 1) -> None:
        """The next `count` bars of each series, a thousand in a round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for each in series:
            for _ in range(count):
                fields: Any = encode(self._next(*each))
                pipeline.xadd(f"trtools2:bars:{each[1]}", fields)
                if len(pipeline) >= 1000:
                    await pipeline.execute()
        await pipeline.execute()

    def _next(self, symbol: str, tf: str) -> dict[str, object]:
        before = self._closes.get((symbol, tf), 100.0)
        close = before * (1 + self._rng.gauss(0, 0.001))
        opened = self._opens.get((symbol, tf), self._begin[tf])
        self._closes[symbol, tf], self._opens[symbol, tf] = close, opened + timedelta(seconds=seconds_of(tf))
        prices = {"o": before, "h": max(before, close), "l": min(before, close), "c": close, "v": 1000.0}
        return {"symbol": symbol, "tf": tf, "t": opened.isoformat(), **prices}


class Noting(KronosRefresher):
    """The refresher, which notes when each target had been refreshed."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.done: dict[str, list[float]] = {}

    async def refresh_many(self, targets: Sequence[Target]) -> dict[Target, Exception]:
        failures = await super().refresh_many(targets)
        for target in targets:
            self.done.setdefault(target.key, []).append(time.monotonic())
        return dict(failures)


async def refresher(url: str, settings: dict[str, object], core: int | None) -> None:
    """The process that is measured: says what it has done so far whenever it is asked, until nobody asks any more."""
    configure("warning")  # to stderr
    if core is not None:
        os.sched_setaffinity(0, {core})
    async with connect(url) as redis:
        context = AppContext.create(redis, Settings(plugins={"kronos": settings}), PluginManager.load(Selection()))
        worker, stop = Noting(context), asyncio.Event()
        await worker.prepare()
        running = asyncio.create_task(worker.run(stop))
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"cpu_s": time.process_time(), "done": worker.done}), flush=True)
        stop.set()
        await running


@asynccontextmanager
async def world(timeframes: Sequence[str], core: int | None = None) -> AsyncIterator[tuple[Redis, Feed, str, str, int]]:
    """A server with a feed, and the forecast service: its address, and the service's address and pid."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        pin = ["taskset", "-c", str(core)] if core is not None else []
        command = [*pin, sys.executable, "-m", "maf_core", "kronos", "serve", "--port", "0"]
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        service = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=nowhere)
        assert service.stdout is not None
        try:
            address = (await service.stdout.readline()).decode().split()[3]
            async with connect(server.url) as redis:
                yield redis, Feed(redis, timeframes), server.url, address, service.pid
        finally:
            service.terminate()
            await service.wait()
        await server.stop()


class Measured:
    """The refresher in a process of its own."""

    def __init__(self, url: str, settings: dict[str, object], core: int | None = None) -> None:
        options = ["refresher", url, json.dumps(settings), *([str(core)] if core is not None else [])]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *options],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._ask, self._answer = self._process.stdin, self._process.stdout

    def ask(self) -> dict[str, Any]:
        """Its CPU seconds, and when each target was refreshed."""
        print(file=self._ask, flush=True)
        answer: dict[str, Any] = json.loads(self._answer.readline())
        return answer

    def end(self) -> None:
        """Have it stop, and wait until it has."""
        self._ask.close()
        self._process.wait()
        self._answer.close()


async def forecasts(redis: Redis) -> int:
    return (await ForecastStore(redis, 1, 0.05).totals())["forecasts"]


async def until_forecasts(redis: Redis, count: int) -> None:
    async def enough() -> bool:
        return await forecasts(redis) >= count

    await wait_until(enough, timeout_s=300)


async def commands(redis: Redis) -> Counter[str]:
    stats = await redis.info("commandstats")
    return Counter({name: stat["calls"] for name, stat in stats.items() if name not in OURS})


async def cold(known: int, watched: int, seconds: float) -> None:
    """A minute without bars, and a minute in which every known symbol has one."""
    series = [(f"S{number}", "1min") for number in range(known)]
    async with world(["1min"]) as (redis, feed, url, address, _):
        await feed.publish(series)
        await feed.publish(series[:watched], HISTORY)
        for symbol, _ in series[:watched]:
            await WatchList(redis).add(symbol, "symbol", 86_400)
        measured = Measured(url, {"url": address, "timeframes": ["1min"]})
        await until_forecasts(redis, watched)
        print(f"{known:,} symbols on the stream, {watched} watched; in {seconds:g} s")
        for what, slices in (("without bars", 0), (f"with {known:,} bars", 20)):
            made, before, begin = await forecasts(redis), await commands(redis), measured.ask()
            for at in range(slices):
                await feed.publish(series[at::slices])
                await asyncio.sleep(seconds / slices)
            await asyncio.sleep(0 if slices else seconds)
            cpu_s = measured.ask()["cpu_s"] - begin["cpu_s"]
            sent = await commands(redis) - before
            asked = await forecasts(redis) - made
            print(f"  {what}: {asked} forecasts, {sum(sent.values())} commands, {cpu_s:.2f} s CPU")
            print(f"    {', '.join(f'{name[8:]} {number}' for name, number in sent.most_common(8))}")
        measured.end()


async def load(symbols: int, cadence_s: float, rounds: int, *, by_bars: bool) -> None:
    """Every series has a new bar in each cadence; is each forecast made within its cadence of the one before?"""
    timeframes = ("1min", "5min", "15min")
    series = [(f"S{number}", tf) for number in range(symbols) for tf in timeframes]
    settings: dict[str, object] = {"timeframes": timeframes, "cadence_s": dict.fromkeys(timeframes, cadence_s)}
    if not by_bars:
        settings["bars_stream"] = ""
    async with world(timeframes, core=0) as (redis, feed, url, address, service):
        os.sched_setaffinity(0, set(range(1, os.cpu_count() or 1)) or {0})
        await feed.publish(series, HISTORY)
        for symbol in {symbol for symbol, _ in series}:
            await WatchList(redis).add(symbol, "symbol", 86_400)
        measured = Measured(url, {**settings, "url": address}, core=0)
        started = time.monotonic()
        await until_forecasts(redis, len(series))
        print(f"{len(series)} series, none known: all forecast {time.monotonic() - started:.1f} s after the start")
        begin, service_s, made = measured.ask(), cpu_of(service), await forecasts(redis)
        slices = int(cadence_s)
        for _ in range(rounds):
            for at in range(slices):
                beginning = time.monotonic()
                await feed.publish(series[at::slices])
                await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - beginning)))
        end = measured.ask()
        asked, seconds = await forecasts(redis) - made, rounds * cadence_s
        cpu_s, service_s = end["cpu_s"] - begin["cpu_s"], cpu_of(service) - service_s
        measured.end()
    gaps = {name: [after - before for before, after in pairwise(times)] for name, times in end["done"].items()}
    late = [max(found, default=seconds) - cadence_s for found in gaps.values()]
    in_time = sum(seconds_late <= 0 for seconds_late in late)
    print(f"then {seconds:g} s with a bar for each in every {cadence_s:g} s, {'by bars' if by_bars else 'by cadence'}:")
    print(f"  {in_time} of {len(series)} always within their cadence, the worst {max(0.0, max(late)):.2f} s late")
    print(f"  {asked} forecasts, {asked / seconds:.1f} a second")
    print(f"  CPU of the one core: refresher {cpu_s / seconds:.0%}, forecast service {service_s / seconds:.0%}")


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    if sys.argv[1:2] == ["refresher"]:
        asyncio.run(refresher(sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else None))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cold", "load"], nargs="?", help="one of the two only")
    parser.add_argument("--known", type=int, default=10_000)
    parser.add_argument("--watched", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--cadence", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--by-bars", action="store_true", help="Forecast each bar as it comes, one by one.")
    options = parser.parse_args()
    if options.what != "load":
        asyncio.run(cold(options.known, options.watched, options.seconds))
    if options.what != "cold":
        asyncio.run(load(options.symbols, options.cadence, options.rounds, by_bars=options.by_bars))


if __name__ == "__main__":
    main()
