"""`maf plugins`: what is installed, what it gives, and why something is not used."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from maf_core.plugins import PluginManager, PluginRow, Status


@click.group()
def cli() -> None:
    """See which plugins are installed and what they give."""


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@click.option("--check", is_flag=True, help="Exit 1 when a plugin is not ok.")
def list_plugins(as_json: bool, check: bool) -> None:
    """List plugins with their status and contributions."""
    rows = PluginManager.load().rows
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print_table(rows)
    if check and any(row.status not in (Status.OK, Status.DISABLED) for row in rows):
        raise SystemExit(1)


def _print_table(rows: list[PluginRow]) -> None:
    cells = [("NAME", "VERSION", "STATUS", "GIVES")]
    cells += [(row.name, row.version, row.status.value, _gives(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    for line in cells:
        click.echo("  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[3]]))


def _gives(row: PluginRow) -> str:
    if row.status is not Status.OK:
        return row.reason
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in row.contributions.items())
