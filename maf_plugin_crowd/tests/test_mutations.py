"""Changed payloads never make the decoder raise; `programs/mutate.py` makes the attempts of these tests many more."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

MUTATE = runpy.run_path(str(Path(__file__).parent / "programs" / "mutate.py"))


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_payloads_are_read_or_refused_with_one_warning(seed: int) -> None:
    tally = MUTATE["run"](2000, seed)
    assert tally.total() == 2000
    assert all(tally[kind, "refused"] > 50 for kind in MUTATE["Mutator"](seed).kinds)
    assert sum(times for (_, what), times in tally.items() if what == "read") > 20
