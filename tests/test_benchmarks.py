"""The benchmarks run, as far as they need no peers; what they measure here counts for nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# Small, and the last thing that each says.
SMALL = {
    "streams.py --peers bare,maf --count 1000 --rounds 1": "maf at least 0.8 times bare",
    "dispatch.py --count 1000 --rounds 1": "entries a second",
    "crowd.py --voters 2 --rounds 1": "load average",
    "graph.py --alone --rounds 1": "16 agents that sleep",
    "refreshers.py cold --known 10 --watched 2 --seconds 0.5": "xreadgroup",
    "refreshers.py load --symbols 1 --cadence 1 --rounds 1": "CPU of the one core",
}


@pytest.mark.slow
@pytest.mark.parametrize("words", SMALL)
def test_it_runs(words):
    done = subprocess.run([sys.executable, *words.split()], capture_output=True, text=True, cwd=BENCHMARKS, timeout=100)
    assert "Traceback" not in done.stderr
    assert SMALL[words] in done.stdout
