"""A small chaos, and one machine cut off: nothing is lost and nothing doubled. `make chaos` is the whole one."""

from __future__ import annotations

import pytest
from tests.chaos.machines import cannot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_whoever_is_killed_nothing_is_lost_and_nothing_doubled(chaos):
    done = chaos("--entries", "1000", "--kills", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 faults" in done.stdout
    assert "lost = 0, doubled = 0, odd = 0" in done.stdout


@pytest.mark.skipif(cannot() != "", reason=cannot())
def test_a_machine_that_is_cut_off_comes_back(chaos):
    done = chaos("--cut", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost = 0, doubled = 0, odd = 0" in done.stdout
