"""The command line: one module a command group, imported when it is used."""

from __future__ import annotations

from maf_core.cli.main import main

__all__ = ["main"]
