"""Sets the parts up in order, plays the bars, and takes everything down again."""

from __future__ import annotations

import asyncio
import json
import time as stopwatch
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.clock import ServiceClock
from maf_core.demo.children import Child, Children
from maf_core.demo.tally import Tally, complaints, forecasts_made, tally
from maf_core.errors import UsageError
from maf_core.plane.watch import WatchList
from maf_core.plugins import PluginManager
from maf_core.records import CommandSpec
from maf_core.service import heartbeat_key
from maf_core.settings import load_settings
from maf_core.streams.connect import EMBEDDED, connect, server_url
from maf_core.streams.quiet import until_quiet
from maf_core.tasks import cancelled

_NEEDS = ("trtools2", "kronos", "paper")
_CROWD = "crowd"
_START_SECONDS = 60.0
_CATCH_UP_SECONDS = 10.0
_HISTORY_DAYS = 420
_POLL_SECONDS = 0.02

Watcher = Callable[[Redis], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Play:
    """What to play.

    `future`: put all later bars on the stream first, to show that they change nothing. `model`: who has the last word,
    as "provider:name"; none by default.
    """

    symbols: tuple[str, ...]
    first: date
    last: date
    future: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The demo's figures, and what does not add up in them."""

    summary: dict[str, Any]
    verdicts: dict[str, int]
    paper: dict[str, Any]
    wrong: list[str]


async def perform(play: Play, data_dir: Path, port: int | None, watcher: Watcher) -> Result:
    """Run the demo in `data_dir`; `watcher` shows progress until it is cancelled."""
    _require_commands()
    started = stopwatch.perf_counter()
    async with AsyncExitStack() as stack:
        appendfsync = load_settings().embedded.appendfsync
        url = await stack.enter_async_context(server_url(EMBEDDED, data_dir, port, appendfsync))
        redis = await stack.enter_async_context(connect(url))
        children = Children(data_dir, {"REDIS_URL": url})
        stack.push_async_callback(children.stop)
        service = await _set_up(play, children, redis, data_dir)
        replayed = await _play(play, children, redis, watcher)
        await _ask_crowd(play, children, redis)
        found = await tally(redis, await _arenas(redis, service))
        paper = json.loads(await children.run("paper", "status", "--json"))
    elapsed = stopwatch.perf_counter() - started
    return _result(found, replayed, paper, elapsed, url)


async def _set_up(play: Play, children: Children, redis: Redis, data_dir: Path) -> Child:
    """History first: what stands in a stream before the service knows it is the past, not news."""
    for symbol in play.symbols:
        await WatchList(redis).add(symbol, "symbol", 86_400)
    forecaster = await children.start("kronos", "serve", "--port", "0")
    last = play.last if play.future else play.first - timedelta(days=1)
    await children.run(*_replay(play, play.first - timedelta(days=_HISTORY_DAYS), last, "max"))
    # Until the replay holds the clock, the present is the first day: nothing may be forecast from later bars.
    await ServiceClock(redis).hold(datetime.combine(play.first, time.min, UTC))
    line = await forecaster.first_line(_START_SECONDS)
    url = next(word for word in line.split() if word.startswith("http"))
    service = await children.start("service", "run", *_config(play, data_dir), environment={"MAF_KRONOS_URL": url})
    await _until_ready(redis, service)
    await _until_forecast(redis, service, len(play.symbols))
    return service


def _config(play: Play, data_dir: Path) -> list[str]:
    if play.model is None:
        return []
    from maf_core.demo.asking import write_config

    return ["--config", str(write_config(play.model, PluginManager.load(), data_dir / "config"))]


async def _until_ready(redis: Redis, service: Child) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not await redis.exists(heartbeat_key(service.process.pid)):
            if service.process.returncode is not None:
                raise service.failure("ended")
            await asyncio.sleep(_POLL_SECONDS)


async def _until_forecast(redis: Redis, service: Child, symbols: int) -> None:
    """Let the service catch up with the history, so that every demo begins from the same state.

    A symbol whose history is too short for a forecast is waited for in vain, and not for long.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_CATCH_UP_SECONDS):
            while (await forecasts_made(redis)) < symbols:
                if service.process.returncode is not None:
                    raise service.failure("ended")
                await asyncio.sleep(_POLL_SECONDS)
    await until_quiet(redis)


async def _play(play: Play, children: Children, redis: Redis, watcher: Watcher) -> dict[str, Any]:
    watching = asyncio.create_task(watcher(redis))
    try:
        replay = await children.start(*_replay(play, play.first, play.last, "lockstep"))
        ended = asyncio.create_task(replay.output())
        while not ended.done():
            await asyncio.wait([ended], timeout=0.5)
            dead = children.dead()
            if dead is not None and not ended.done():
                ended.cancel()
                raise dead.failure("ended while the bars were played")
        result: dict[str, Any] = json.loads(await ended)
        return result
    finally:
        await cancelled([watching])


async def _ask_crowd(play: Play, children: Children, redis: Redis) -> None:
    """Let the crowd, where it is installed, judge what stood out in the bars: each as of its own day."""
    if _CROWD not in PluginManager.load().records("maf_commands", CommandSpec):
        return
    await children.run(_CROWD, "sample", "--from", play.first.isoformat(), "--to", play.last.isoformat())
    await until_quiet(redis)


def _replay(play: Play, first: date, last: date, speed: str) -> list[str]:
    words = ["trtools2", "replay", "--sample", "--json", "--speed", speed]
    words += ["--symbols", ",".join(play.symbols)]
    return [*words, "--from", first.isoformat(), "--to", last.isoformat()]


async def _arenas(redis: Redis, service: Child) -> list[str]:
    status = from_json(await redis.get(heartbeat_key(service.process.pid)) or b"{}")
    return list(status.get("arenas", []))


def _result(found: Tally, replayed: dict[str, Any], paper: dict[str, Any], elapsed: float, url: str) -> Result:
    summary = {
        "bars_in": replayed["bars_in"],
        "bars_rejected": replayed["bars_rejected"],
        "forecasts": found.forecasts,
        "forecasts_emitted": found.forecasts_emitted,
        "fills": found.outcomes["fill"],
        "outcomes": found.outcomes["close"],
        "open_positions": paper["open_positions"],
        "pnl": paper["pnl"],
        "elapsed_s": round(elapsed, 2),
        "redis_url": url,
        "forecast_backend": found.forecast_backend,
        "model_used": found.model_used,
        "decisions_digest": found.decisions_digest,
        "predictions": dict(sorted(found.predictions.items())),
        "arenas": {name: asdict(arena) for name, arena in found.arenas.items()},
    }
    wrong = [line for name, arena in found.arenas.items() for line in complaints(name, arena)]
    wrong += [f"{name} is 0" for name in ("bars_in", "forecasts", "forecasts_emitted") if not summary[name]]
    if found.verdicts["BUY"] and not summary["fills"]:
        wrong.append("actions were approved, but fills is 0")
    return Result(summary, dict(found.verdicts), paper, wrong)


def _require_commands() -> None:
    known = PluginManager.load().records("maf_commands", CommandSpec)
    missing = [name for name in _NEEDS if name not in known]
    if missing:
        raise UsageError(
            f"The demo needs the plugins {', '.join(missing)}, which did not load. "
            "Run: pip install 'maf[demo]', and see maf plugins list."
        )
