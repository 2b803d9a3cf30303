"""`maf trigger`: ready-made rules, and a try for one's own."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import click

from maf_core.cli.options import connection_options
from maf_core.cli.payloads import as_json
from maf_core.cli.tables import table
from maf_core.errors import UnknownNameError, UsageError
from maf_core.logs import configure
from maf_core.plane.library import Offered, TemplateLibrary
from maf_core.plugins import PluginManager


@click.group()
def cli() -> None:
    """Find ready-made trigger rules, and try your own."""


@cli.command()
@click.argument("expression", metavar="EXPR")
@click.option("--sample", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True), help="- is standard input.")
@click.option("--stream", metavar="NAME", help="Take its newest entries instead of a file.")
@click.option("--last", metavar="N", type=click.IntRange(1, 1000), default=10, show_default=True, help="Of the stream.")
@click.option("--target", metavar="TEMPLATE", help="Fill it where EXPR holds, such as '{payload.symbol}'.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
@connection_options
def test(
    expression: str,
    sample: Path | None,
    stream: str | None,
    last: int,
    target: str | None,
    json_wanted: bool,
    **where: Any,
) -> None:
    """Say of each sample whether EXPR holds, and if not, why.

    A sample file is JSON, JSON lines or YAML; a list is several samples. Exits 0 when EXPR holds for one of them (and
    the target can be filled), 1 when for none, 2 when something is wrong with what was asked.
    """
    from maf_core.cli.samples import from_file, from_stream
    from maf_core.cli.trigger_test import Report

    configure("warning")
    if (sample is None) == (stream is None):
        raise UsageError("Say what to try it on: --sample FILE, or --stream NAME.")
    samples = from_file(sample) if sample else from_stream(str(stream), last, **where)
    report = Report(expression, target, samples)
    click.echo(as_json(report.as_json()) if json_wanted else report.as_table())
    if not report.fires:
        raise SystemExit(1)


@cli.command()
@click.option("--json", "json_wanted", is_flag=True, help="Print an array of objects.")
def templates(json_wanted: bool) -> None:
    """List the rules that plugins offer."""
    found = _offered()
    if json_wanted:
        click.echo(json.dumps([_as_object(offered) for offered in found.values()], indent=2))
    elif not found:
        click.echo("No plugin offers trigger templates. Try: pip install 'maf[demo]'")
    else:
        rows = [
            (name, offered.plugin, offered.template.rule.on_stream, offered.template.title)
            for name, offered in found.items()
        ]
        click.echo(table(("ID", "PLUGIN", "WATCHES", "WHAT"), *rows))


@cli.command()
@click.argument("name", metavar="ID")
def template(name: str) -> None:
    """Print the rule ID as YAML, to paste under `triggers:` of an arena."""
    found = _offered()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(f"There is no template {name!r}.{hint} Known: {', '.join(found) or 'none'}.")
    click.echo(found[name].template.as_yaml())


def _offered() -> dict[str, Offered]:
    configure("warning")
    return TemplateLibrary(PluginManager.load()).templates()


def _as_object(offered: Offered) -> dict[str, object]:
    shown = offered.template.model_dump(mode="json", exclude_unset=True)
    return {**shown, "plugin": offered.plugin}
