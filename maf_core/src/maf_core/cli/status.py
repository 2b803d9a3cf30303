"""`maf status`: how everything does, and what asks for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.cli.payloads import as_json
from maf_core.cli.tables import duration, listed, plain
from maf_core.dashboard.attention import Facts
from maf_core.dashboard.status import look
from maf_core.logs import configure


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object, as /api/system/status gives it.")
@connection_options
def status(json_wanted: bool, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Say how Redis, services and workers do, whether MAF trades, and what asks for a person."""
    configure("error")

    async def work() -> Facts:
        async with app_of(settings_of(redis_url, data_dir, config_dir), config_dir) as context:
            return await look(context)

    facts = asyncio.run(work())
    click.echo(as_json(facts) if json_wanted else "\n".join(map(plain, _lines(facts))))


def _lines(facts: Facts) -> Iterator[str]:
    redis = facts["redis"]
    yield f"redis      {redis['status']}" + (f", answers in {redis['ms']:.1f} ms" if "ms" in redis else "")
    for service in facts["services"]:
        yield f"service    {service['name']}, {_beat(service)}"
    yield from _workers(facts["workers"])
    if facts["trading"]:
        yield f"trading    {facts['trading'].get('state', 'cannot be read')}"
        yield f"actions    {facts['waiting'].get('count', '?')} wait for approval"
        dead = facts["dead_letters"]
        yield f"given up   {dead.get('count', '?')} dead letters, {dead.get('open', '?')} of the last not re-driven"
        yield from _refusals(facts["refusals"])
    yield ""
    yield from [f"! {sentence}" for sentence in facts["attention"]] or ["Nothing asks for you."]


def _beat(service: dict[str, Any]) -> str:
    age, restarts = service.get("age_s"), sum(service.get("restarts", {}).values())
    beat = "says not when it beat" if age is None else f"beat {duration(age)} ago"
    return f"{beat}, {restarts} restarts of workers"


def _workers(workers: list[dict[str, Any]]) -> Iterator[str]:
    for state in ("ok", "not running", "unknown"):
        names = [worker["name"] for worker in workers if worker["status"] == state]
        if names:
            yield f"workers    {state}: {listed(names)}"


def _refusals(refusals: Any) -> Iterator[str]:
    for refused in refusals if isinstance(refusals, list) else ():
        yield f"refused    {refused['ts']}: {refused['reason']}"
