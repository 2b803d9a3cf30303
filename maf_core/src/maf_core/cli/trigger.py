"""`maf trigger`: ready-made rules."""

from __future__ import annotations

import difflib
import json

import click

from maf_core.cli.tables import table
from maf_core.errors import UnknownNameError
from maf_core.logs import configure
from maf_core.plane.library import Offered, TemplateLibrary
from maf_core.plugins import PluginManager


@click.group()
def cli() -> None:
    """Find ready-made trigger rules."""


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def templates(as_json: bool) -> None:
    """List the rules that plugins offer."""
    found = _offered()
    if as_json:
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
