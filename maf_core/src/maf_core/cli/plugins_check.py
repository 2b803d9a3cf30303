"""`maf plugins check`: hold one plugin against the rules that need nothing from its author."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from maf_core.testing.static import Finding


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def check(name: str, as_json: bool) -> None:
    """Check the plugin NAME, installed or a file of --plugins-dir.

    One line a rule: ok, BAD with what to do, or old for what works and is to be migrated. Exit 1 when one is BAD.
    """
    from maf_core.testing.static import Subject, examine  # it needs the whole core; `maf plugins list` does not

    findings = examine(Subject.find(name))
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in findings], indent=2))
    else:
        click.echo("\n".join(map(_line, findings)))
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _line(finding: Finding) -> str:
    faults = [f"{fault.what[0].upper()}{fault.what[1:].rstrip('.')}. {fault.fix}" for fault in finding.faults]
    return " ".join([f"{finding.status:<3} {finding.rule.id} {finding.rule.text}", *faults])
