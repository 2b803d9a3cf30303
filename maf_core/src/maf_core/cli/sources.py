"""`maf sources`: which sources there are, and what one answers right now."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import click

from maf_core.cli import payloads
from maf_core.cli.memory import moment_of
from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.cli.tables import cut, plain, table
from maf_core.context import AppContext
from maf_core.errors import MAFError, UsageError
from maf_core.logs import configure
from maf_core.plugins import PluginManager
from maf_core.records import SourceSpec
from maf_core.sources.base import SourceQuery, SourceResult

_SHOWN = 2000


@click.group()
def cli() -> None:
    """See which sources there are, and what they answer."""


@cli.command("list")
@click.option("--all", "with_replaced", is_flag=True, help="Also those that have been replaced.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects, with each one's configuration.")
def list_sources(with_replaced: bool, as_json: bool) -> None:
    """List the sources that an arena can bind."""
    found = [
        (given.plugin, given.record)
        for given in PluginManager.load().given("maf_sources")
        if isinstance(given.record, SourceSpec) and (with_replaced or not given.record.replaced_by)
    ]
    found.sort(key=lambda one: one[1].name)
    if as_json:
        click.echo(payloads.as_json([_described(plugin, spec) for plugin, spec in found]))
        return
    rows = [(spec.name, plugin, spec.summary) for plugin, spec in found]
    click.echo(table(("NAME", "PLUGIN", "WHAT"), *rows) if rows else "No plugin offers a source: maf plugins list")


@cli.command()
@click.argument("name")
@click.option("--target", required=True, help='A ticker, or a JSON object such as \'{"report_id": "r-1"}\'.')
@click.option("--set", "config", metavar="JSON", default="{}", help="The binding's configuration.")
@click.option("--as-of", "as_of", metavar="TIME", help="As known at this moment, ISO-8601 (default: now).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all of the data.")
@connection_options
def test(
    name: str, target: str, config: str, as_of: str | None, as_json: bool, config_dir: Path | None, **where: Any
) -> None:
    """Ask the source NAME about a target, as a run would. Exit 1 when it has no data."""
    configure("warning")
    about = _object(target, "--target") if target.lstrip().startswith("{") else {"ticker": target}
    bound = _object(config, "--set")

    async def work() -> tuple[SourceResult, float]:
        async with app_of(settings_of(config_dir=config_dir, **where), config_dir) as context:
            return await _asked(context, name, bound, about, as_of)

    answer, ms = asyncio.run(work())
    click.echo(payloads.as_json(_facts(answer, ms), indent=None) if as_json else _told(answer, ms))
    if answer.data is None or any(gap.startswith("no_") for gap in answer.gaps):
        raise SystemExit(1)


async def _asked(
    context: AppContext, name: str, config: dict[str, Any], about: dict[str, Any], as_of: str | None
) -> tuple[SourceResult, float]:
    source = context.sources.get(name, config)
    moment = moment_of(as_of) if as_of else await context.clock.now()
    started = time.perf_counter()
    try:
        answer = await source.fetch(SourceQuery(about, moment))
    except MAFError:
        raise
    except Exception as error:  # a source is a plugin's code
        raise MAFError(f"{name} failed: {type(error).__name__}: {error}") from error
    return answer, (time.perf_counter() - started) * 1000


def _described(plugin: str, spec: SourceSpec) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": spec.name,
        "plugin": plugin,
        "summary": spec.summary,
        "replaced_by": spec.replaced_by,
    }
    try:
        return {**facts, "config": spec.load().Config.model_json_schema()}
    except MAFError as error:
        return {**facts, "fault": str(error)}


def _facts(answer: SourceResult, ms: float) -> dict[str, Any]:
    return {
        "as_of": answer.as_of.isoformat() if answer.as_of else None,
        "gaps": list(answer.gaps),
        "size_bytes": answer.size_bytes,
        "ms": round(ms, 3),
        "data": answer.data,
    }


def _told(answer: SourceResult, ms: float) -> str:
    known = answer.as_of.isoformat() if answer.as_of else "-"
    lines = [
        f"known at   {known}",
        f"gaps       {', '.join(answer.gaps) or '-'}",
        f"size       {answer.size_bytes:,} bytes",
        f"took       {ms:.1f} ms",
    ]
    return "\n".join([*lines, plain(cut(json.dumps(answer.data, ensure_ascii=False), _SHOWN))])


def _object(text: str, option: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UsageError(f'{option} is {type(found).__name__}, not an object such as \'{{"ticker": "AAPL"}}\'.')
    return found
