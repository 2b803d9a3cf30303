"""`maf plugins new`: the skeleton of a plugin."""

from __future__ import annotations

from pathlib import Path

import click

from maf_core.scaffold import KINDS, Names, render, write

# Where the author goes on.
_MAIN_FILE = {"source": "source.py", "agent": "specialist.py", "arena": "arena.yaml", "refresher": "refresher.py"}


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="source", show_default=True, help="What it brings.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Folder to make (default: maf-plugin-NAME).")
def new(name: str, kind: str, folder: Path | None) -> None:
    """Write a plugin NAME that installs and passes its own tests, for you to change."""
    names = Names.of(name)
    folder = folder or Path(names.distribution)
    files = render(kind, names)
    write(files, folder)
    click.echo(f"{folder} is a plugin that works:")
    for path in files:
        click.echo(f"  {path}")
    click.echo("\nInstall it, test it, see it:")
    for command in (f"cd {folder}", "pip install -e '.[test]'", "pytest", f"maf plugins check {name}"):
        click.echo(f"  {command}")
    click.echo(f"\nThen make it yours, beginning with src/{names.package}/{_MAIN_FILE[kind]}.")
