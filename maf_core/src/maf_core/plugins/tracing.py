"""Say on stderr what each plugin gives through which hook."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from maf_core.plugins.readers import Contribution


def trace(name: str, contributions: Iterable[Contribution]) -> None:
    """One line a record."""
    for given in contributions:
        sys.stderr.write(f"maf: {name} {given.hook} → {given.record.name} ({given.record.origin})\n")
