"""Backoff: longer after each failure in a row, one target at a time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from maf_core.plane.backoff import Backoff


@given(failures=st.integers(1, 60), base=st.floats(0.01, 10), limit=st.floats(10, 1000))
def test_the_delay_doubles_up_to_the_limit_give_or_take_a_fifth(failures, base, limit):
    backoff = Backoff(base_s=base, limit_s=limit)
    delay = [backoff.failed("x") for _ in range(failures)][-1]
    expected = min(limit, base * 2 ** (failures - 1))
    assert 0.8 * expected <= delay <= 1.2 * expected


def test_thousands_of_failures_are_no_overflow():
    backoff = Backoff(limit_s=5)
    assert max(backoff.failed("x") for _ in range(5000)) <= 6


def test_one_target_does_not_wait_for_another():
    backoff = Backoff(base_s=100)
    backoff.failed("bad")
    assert not backoff.ready("bad")
    assert backoff.ready("good")
    assert backoff.failing == ["bad"]


def test_success_forgets():
    backoff = Backoff(base_s=100)
    for _ in range(4):
        backoff.failed("x")
    backoff.succeeded("x")
    assert backoff.ready("x")
    assert backoff.failing == []
    assert backoff.failed("x") <= 120


def test_a_target_is_ready_again_when_its_time_has_come():
    backoff = Backoff(base_s=0.0)
    backoff.failed("x")
    assert backoff.ready("x")
    assert backoff.failing == ["x"]


def test_a_target_waits_at_least_as_long_as_was_asked_for():
    backoff = Backoff(base_s=1.0)
    assert backoff.failed("x", at_least_s=100.0) == 100.0
    assert 99 < backoff.wait_s("x") <= 100
    assert backoff.wait_s("y") == 0
    assert backoff.failed("x", at_least_s=0.1) >= 1.6  # its own doubling goes on


def test_only_what_nobody_has_tried_for_long_is_forgotten(monkeypatch):
    backoff = Backoff(base_s=10.0)
    backoff.failed("old")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3500)
    backoff.failed("new")
    backoff.forget_idle()
    assert backoff.failing == ["new", "old"]
    monkeypatch.setattr(time, "monotonic", lambda: now + 3700)
    backoff.forget_idle()
    assert backoff.failing == ["new"]
    assert backoff.is_failing("new")
    assert not backoff.is_failing("old")
