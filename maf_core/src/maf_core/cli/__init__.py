"""The command line: one module a command group, imported when it is used."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `maf`. A lone `--version` is answered before anything else is imported: scripts ask it often."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"{version_line()}\n")
        return
    from maf_core.cli.root import run

    run()


def version_line() -> str:
    """What `maf --version` prints."""
    from importlib.metadata import version

    return f"maf {version('maf')}"


__all__ = ["main"]
