"""What `appendfsync` costs and what it may lose: `everysec` beside `always`, interleaved in one run.

Kills the server under load and counts what it had acknowledged and does not have afterwards. Cuts the power likewise
(as root): the data is on a disk made of a file, and a copy of that file is all that is left. Then what it costs: fsync
itself, publishing, the way from an entry to its execution, the demo.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from maf_core.service import heartbeat_key
from maf_core.streams.codec import decode
from maf_core.streams.connect import connect
from maf_core.streams.names import EXECUTIONS
from maf_core.streams.publish import publish
from maf_core.streams.raw import entries
from maf_core.streams.valkey import Appendfsync, free_port, started
from maf_core.testing import wait_until

MODES: tuple[Appendfsync, ...] = ("everysec", "always")
Process = subprocess.Popen[bytes]
STREAM = "bench"
WRITERS = 16
IMAGE_MB = 128
ARENA = """
name: bench
phases: [{name: decide, agents: [{name: synthesis, role: synthesis}]}]
triggers: [{id: go, on_stream: bench, when: "True", target: "{payload.symbol}"}]
"""


class Load:
    """Writers that note when each entry was acknowledged."""

    def __init__(self, port: int) -> None:
        self.acknowledged: dict[int, float] = {}
        self._port = port
        self._next = 0

    async def run(self) -> None:
        """Write until the server is gone."""
        await asyncio.gather(*(self._write() for _ in range(WRITERS)))

    async def _write(self) -> None:
        async with Redis(port=self._port, retry=Retry(NoBackoff(), 0), socket_timeout=1) as redis:
            with suppress(RedisError, OSError):
                while True:
                    number, self._next = self._next, self._next + 1
                    await publish(redis, STREAM, {"number": number, "filling": "x" * 300})
                    self.acknowledged[number] = time.monotonic()


async def kept(folder: Path, mode: Appendfsync) -> set[int]:
    """What a server that starts on this folder has."""
    port = free_port()
    process = await started(folder, port, mode)
    async with Redis(port=port) as redis:
        found = {decode(fields)["number"] for _, fields in entries(await redis.xrange(STREAM))}
    process.kill()
    process.wait()
    return found


async def under_load(folder: Path, mode: Appendfsync, end: Callable[[Process], object]) -> tuple[Load, float]:
    """Write until the server's end; what was acknowledged, and when the end came."""
    port = free_port()
    process = await started(folder, port, mode)
    load = Load(port)
    writing = asyncio.create_task(load.run())
    await asyncio.sleep(random.uniform(1.0, 3.0))
    ended = time.monotonic()
    end(process)
    process.kill()
    process.wait()
    await writing
    return load, ended


async def lost_by_kill(mode: Appendfsync) -> tuple[int, int, float]:
    """Acknowledged, lost, and how long before the end the first lost one was acknowledged, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        load, ended = await under_load(Path(folder), mode, Process.kill)
        return missing(load, await kept(Path(folder), mode), ended)


async def lost_by_power_cut(mode: Appendfsync) -> tuple[int, int, float]:
    """As `lost_by_kill`: what the disk was not given by then is gone."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        image, left = Path(memory) / "image", Path(memory) / "left"
        shell("truncate", "-s", f"{IMAGE_MB}M", image)
        shell("mkfs.ext4", "-q", image)

        def freeze(process: Process) -> None:
            process.send_signal(signal.SIGSTOP)
            shutil.copyfile(image, left)

        with mounted(image, Path(name) / "before") as disk:
            load, ended = await under_load(disk, mode, freeze)
        with mounted(left, Path(name) / "after") as disk:
            return missing(load, await kept(disk, mode), ended)


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir()
    shell("mount", "-o", "loop", image, place)
    try:
        yield place
    finally:
        shell("umount", place)


def shell(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True)


def missing(load: Load, found: set[int], ended: float) -> tuple[int, int, float]:
    lost = load.acknowledged.keys() - found
    return len(load.acknowledged), len(lost), max((ended - load.acknowledged[number] for number in lost), default=0.0)


async def publish_rate(mode: Appendfsync, writers: int, seconds: float = 2.0) -> float:
    """Entries a second."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = await started(Path(folder), port, mode)
        done = 0

        async def write(until: float) -> None:
            nonlocal done
            async with Redis(port=port) as redis:
                while time.monotonic() < until:
                    await publish(redis, STREAM, {"filling": "x" * 300})
                    done += 1

        until = time.monotonic() + seconds
        await asyncio.gather(*(write(until) for _ in range(writers)))
        process.kill()
        process.wait()
        return done / seconds


async def latency(mode: Appendfsync, count: int = 100) -> float:
    """Median milliseconds from publishing an entry to its execution, one after the other, with a service."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "arenas").mkdir()
        (folder / "arenas" / "bench.yaml").write_text(ARENA)
        server = await started(folder, port, mode)
        words = ["service", "run", "--redis", f"redis://127.0.0.1:{port}/0", "--config", name, "--plugins", ""]
        with (folder / "service.log").open("wb") as log:
            service = await asyncio.create_subprocess_exec(sys.executable, "-m", "maf_core", *words, stderr=log)
        try:
            async with connect(f"redis://127.0.0.1:{port}/0") as redis:
                await wait_until(lambda: redis.exists(heartbeat_key(service.pid)), 30)
                return statistics.median([await one(redis, number) for number in range(count)]) * 1000
        finally:
            service.terminate()
            await service.wait()
            server.kill()
            server.wait()


async def one(redis: Redis, number: int) -> float:
    newest = entries(await redis.xrevrange(EXECUTIONS, count=1))
    began = time.perf_counter()
    await publish(redis, STREAM, {"symbol": f"S{number}"})
    await redis.xread({EXECUTIONS: newest[0][0] if newest else "0"}, block=4000)
    return time.perf_counter() - began


async def demo(mode: Appendfsync) -> float:
    """Seconds that `maf demo` takes."""
    environment = {**os.environ, "MAF_EMBEDDED": json.dumps({"appendfsync": mode})}
    words = [sys.executable, "-m", "maf_core", "demo", "--json", "--symbols", "AAPL,IBM", "--to", "2012-06-29"]
    process = await asyncio.create_subprocess_exec(*words, stdout=-1, stderr=subprocess.DEVNULL, env=environment)
    out, _ = await process.communicate()
    return float(json.loads(out)["elapsed_s"])


async def compare(name: str, unit: str, measure: Callable[[Appendfsync], Awaitable[float]], rounds: int) -> None:
    """The modes in turn; the medians and their ratio."""
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(rounds):
        for mode in MODES:
            found[mode].append(await measure(mode))
    everysec, always = (statistics.median(found[mode]) for mode in MODES)
    print(f"{name:34} everysec {everysec:9.1f} {unit:10} always {always:9.1f} {unit:10} ratio {always / everysec:.2f}")


async def losses(name: str, happens: Callable[[Appendfsync], Awaitable[tuple[int, int, float]]], times: int) -> None:
    """The modes in turn; what was lost in all."""
    found: dict[str, list[tuple[int, int, float]]] = {mode: [] for mode in MODES}
    for _ in range(times):
        for mode in MODES:
            found[mode].append(await happens(mode))
    for mode in MODES:
        rows = found[mode]
        acknowledged, lost = sum(row[0] for row in rows), sum(row[1] for row in rows)
        hit, oldest = sum(row[1] > 0 for row in rows), max(row[2] for row in rows)
        print(
            f"{name:12} {mode:9} {times} times: {acknowledged} acknowledged, {lost} lost in {hit} of them, "
            f"the oldest {oldest:.2f} s before"
        )


def fsync_ms() -> float:
    """Median of an fdatasync of 400 bytes on this disk, in milliseconds."""
    with tempfile.NamedTemporaryFile() as file:
        taken = []
        for _ in range(200):
            file.write(b"x" * 400)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


async def run(options: argparse.Namespace) -> None:
    """Everything that was asked for."""
    print(f"fdatasync here: {fsync_ms():.2f} ms")
    if options.times:
        await losses("kill -9", lost_by_kill, options.times)
        if os.geteuid() == 0:
            await losses("power cut", lost_by_power_cut, options.times)
        else:
            print("power cut    not measured: only root can mount a disk")
    if options.rounds:
        await compare("publishing, one writer", "entries/s", lambda mode: publish_rate(mode, 1), options.rounds)
        await compare("publishing, 32 writers", "entries/s", lambda mode: publish_rate(mode, 32), options.rounds)
        await compare("entry to execution", "ms", latency, options.rounds)
        await compare("maf demo", "s", demo, options.rounds)
    print(f"fdatasync here: {fsync_ms():.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="kills and power cuts of each kind; 0: none")
    parser.add_argument("--rounds", type=int, default=5, help="of what it costs; 0: none")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
