"""`maf mirofish`: what is simulated, and what is left of the day's budget."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.settings import Settings
from maf_core.streams import codec
from maf_core.streams.raw import entries
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.run_queue import RunQueue
from maf_plugin_mirofish.stages import next_stage
from maf_plugin_mirofish.store import EMITTED, HEARTBEAT, OutcomeStore


@click.group()
def cli() -> None:
    """See what is simulated and what is left to spend."""


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--last", type=click.IntRange(0, 1000), default=5, show_default=True, help="So many results.")
@connection_options
def status(as_json: bool, last: int, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Show the day's budget, what runs and waits, and the last results."""
    found = asyncio.run(_status(settings_of(redis_url, data_dir, config_dir), last))
    click.echo(to_json(found, indent=2) if as_json else "\n".join(_lines(found)))


async def _status(settings: Settings, last: int) -> dict[str, Any]:
    mine = settings.section("mirofish", MiroFishSettings)
    async with redis_of(settings) as redis:
        budget = DailyBudget(redis, mine.reports_stream, mine.daily_budget)
        queue = RunQueue(redis, mine.reports_stream, settings.lease_s)
        return {
            "url": mine.url,
            "alive": bool(await redis.exists(HEARTBEAT)),
            "daily_budget": mine.daily_budget,
            "begun_today": await budget.used(budget.today()),
            **await queue.counts(),
            **await OutcomeStore(redis, mine.cache_ttl_s).totals(),
            "runs": [await _run(queue, run_id) for run_id in await queue.begun()],
            "results": await _results(redis, last),
        }


async def _run(queue: RunQueue, run_id: str) -> dict[str, Any]:
    run = await queue.read(run_id)
    stage = next_stage(run.progress) if run else None
    about = {"symbol": run.symbol, "begun_at": run.begun_at, "attempts": run.attempts} if run else {}
    return {"report_id": run_id, "stage": stage.name if stage else None, **about}


async def _results(redis: Redis, last: int) -> list[dict[str, Any]]:
    found = entries(await redis.xrevrange(EMITTED, count=last)) if last else []
    return [codec.decode(fields) for _, fields in found]


def _lines(found: dict[str, Any]) -> list[str]:
    if not found["url"]:
        return ["Nothing is simulated: no URL is set. Start MiroFish and set MAF_MIROFISH_URL=http://host:5001."]
    refresher = "alive" if found["alive"] else "not running (maf service run)"
    now = f"{found['running']} running, {found['waiting']} waiting"
    ever = f"{found['completed']} completed and {found['failed']} failed in all"
    lines = [
        f"MiroFish at {found['url']}: refresher {refresher}",
        f"today {found['begun_today']} of {found['daily_budget']} begun, {now}; {ever}",
    ]
    lines += [f"  running  {run['report_id']}  {run.get('symbol')}  {run['stage']}" for run in found["runs"]]
    for one in found["results"]:
        lines.append(
            f"  {one['as_of']}  {one['symbol']}  {one['direction']} {one['probability']:.2f}  {one['report_id']}"
        )
    return lines
