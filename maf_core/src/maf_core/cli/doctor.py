"""`maf doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from maf_core.cli.tables import plain
from maf_core.doctor import Patient, run


@click.command()
@click.option("--redis", "redis_url", metavar="URL", help="Look at this server.")
@click.option("--data", "data_dir", type=click.Path(path_type=Path), help="Look at this data folder.")
@click.option("--config", "config_dir", type=click.Path(path_type=Path), envvar="MAF_CONFIG_DIR")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def doctor(redis_url: str | None, data_dir: Path | None, config_dir: Path | None, as_json: bool) -> None:
    """Check this machine and the server: packages, plugins, config, Redis, services, trading, streams and more.

    Exits 1 when something is wrong; each finding says what to do.
    """
    findings = run(Patient(redis_url, data_dir, config_dir))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(plain(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.detail}"))
            if not finding.ok:
                click.echo(f"     → {finding.fix}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)
