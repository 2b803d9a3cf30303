"""What the benchmarks of the streams share: how they say what else the machine did, and what was missed."""

from __future__ import annotations

import os
from collections.abc import Iterable


def load() -> str:
    """What else the machine does."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def verdict(targets: Iterable[tuple[str, bool]]) -> int:
    """Print whether each target was met; 1 when one was missed."""
    missed = 0
    for what, met in targets:
        print(f"{'met' if met else 'MISSED':7} {what}")
        missed |= not met
    return missed
