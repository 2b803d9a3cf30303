"""Live progress: how far the bars are, what went through each stage, the last decisions, the time left."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from maf_core.demo.tally import FORECASTS_EMITTED
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CLOCK, CONTROL_IN, EXECUTIONS, OUTCOMES
from maf_core.streams.raw import entries

_STAGES = {
    "forecasts that moved": FORECASTS_EMITTED,
    "runs asked for": CONTROL_IN,
    "actions": ACTIONS,
    "executions": EXECUTIONS,
    "outcomes": OUTCOMES,
}
_LAST = 6
_STYLES = {"BUY": "green", "SELL": "red", "HOLD": "dim"}


async def watch(redis: Redis, console: Console) -> None:
    """Show progress until cancelled: a live panel on a terminal, a line every few seconds elsewhere."""
    started = time.monotonic()
    if not console.is_terminal:
        while True:
            await asyncio.sleep(5)
            console.print(_line(await _look(redis), time.monotonic() - started))
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(_panel(await _look(redis), time.monotonic() - started), refresh=True)
            await asyncio.sleep(0.2)


async def _look(redis: Redis) -> dict[str, Any]:
    pipeline = redis.pipeline(transaction=False)
    pipeline.get(CLOCK)
    for stream in _STAGES.values():
        pipeline.xlen(stream)
    pipeline.xrevrange(ACTIONS, count=_LAST)
    try:
        clock, *counts, newest = await pipeline.execute()
    except RedisError:
        return {"clock": {}, "stages": {}, "actions": []}
    return {
        "clock": from_json(clock) if clock else {},
        "stages": dict(zip(_STAGES, counts, strict=True)),
        "actions": [codec.decode(fields) for _, fields in entries(newest)],
    }


def _panel(seen: dict[str, Any], elapsed: float) -> Group:
    clock = seen["clock"]
    played, total = clock.get("played", 0), clock.get("total", 0) or 1
    head = Text(f"{clock.get('now', 'starting…')[:10]}  bar {played} of {total}  {_left(played, total, elapsed)}")
    stages = Table.grid(padding=(0, 2))
    for stage, count in seen["stages"].items():
        stages.add_row(stage, str(count))
    decisions = Table.grid(padding=(0, 2))
    for action in seen["actions"]:
        verdict, sizing = action["verdict"], action["sizing"]
        decisions.add_row(
            action["target"]["trade_date"],
            action["target"]["ticker"],
            Text(verdict, style=_STYLES.get(verdict, "")),
            f"score {sizing['ensemble_score']:+.2f}",
            f"confidence {sizing['confidence']:.2f}",
        )
    return Group(head, ProgressBar(total=total, completed=played, width=60), stages, Text("last decisions"), decisions)


def _line(seen: dict[str, Any], elapsed: float) -> str:
    clock = seen["clock"]
    played, total = clock.get("played", 0), clock.get("total", 0)
    stages = ", ".join(f"{stage} {count}" for stage, count in seen["stages"].items())
    return f"{clock.get('now', '')[:10]} bar {played}/{total}: {stages} ({_left(played, total, elapsed)})"


def _left(played: int, total: int, elapsed: float) -> str:
    if not played:
        return "time left unknown"
    return f"about {elapsed / played * (total - played):.0f} s left"
