"""`maf plugins`: what is installed, what it gives, and why something is not used."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from maf_core.cli.plugins_check import check as check_one
from maf_core.cli.plugins_new import new
from maf_core.cli.tables import table
from maf_core.errors import UnknownNameError
from maf_core.plugins import PluginManager, PluginRow
from maf_core.plugins.rows import BUILTIN


@click.group()
def cli() -> None:
    """See which plugins are installed and what they give."""


cli.add_command(new)
cli.add_command(check_one)


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@click.option("--all", "everything", is_flag=True, help="List the core's own parts too.")
@click.option("--no-load", is_flag=True, help="Only what metadata tells; import nothing.")
@click.option("--check", is_flag=True, help="Exit 1 when a plugin is not ok.")
def list_plugins(as_json: bool, everything: bool, no_load: bool, check: bool) -> None:
    """List plugins with their status and contributions."""
    rows = PluginManager.survey() if no_load else PluginManager.load().rows
    shown = [row for row in rows if everything or row.name != BUILTIN]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in shown], indent=2))
    else:
        _print_table(shown)
    if check and not all(row.fine for row in rows):
        raise SystemExit(1)


@cli.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def show(name: str, as_json: bool) -> None:
    """Show everything about the plugin NAME."""
    manager = PluginManager.load()
    row = next((row for row in manager.rows if row.name == name), None)
    if row is None:
        known = ", ".join(row.name for row in manager.rows)
        raise UnknownNameError(f"There is no plugin {name!r}; there are {known}.")
    records = manager.contributions(name)
    if as_json:
        given = [{"hook": item.hook, "name": item.record.name, "summary": item.record.summary} for item in records]
        click.echo(json.dumps({**asdict(row), "records": given}, indent=2))
        return
    took = "" if row.import_ms is None else f", imported in {row.import_ms:.0f} ms"
    click.echo(f"{row.name}: {row.distribution} {row.version}, {row.status.value}{took}")
    if row.reason:
        click.echo(f"  {row.reason}")
    for item in records:
        summary = item.record.summary or "no summary"
        click.echo(f"  {item.hook}: {item.record.name} — {summary} [{item.record.origin}]")


def _print_table(rows: list[PluginRow]) -> None:
    if not rows:
        click.echo("No plugins are installed. Try: pip install 'maf[demo]'")
        return
    cells = [("NAME", "VERSION", "STATUS", "IMPORT", "GIVES")]
    cells += [(row.name, row.version or "-", row.status.value, _took(row), _gives(row)) for row in rows]
    click.echo(table(*cells))


def _took(row: PluginRow) -> str:
    return "-" if row.import_ms is None else f"{row.import_ms:.0f} ms"


def _gives(row: PluginRow) -> str:
    given = [f"{kind}: {', '.join(names)}" for kind, names in row.contributions.items()]
    return "; ".join([*([row.reason] if row.reason else []), *given])
