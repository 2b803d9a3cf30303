"""Which plugins are candidates, which are wanted, and which fit the installed core."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from maf_core.plugins import Candidate, Selection, discover
from maf_core.plugins.compatibility import incompatibility

GOOD = Path(__file__).parent / "data" / "good"


def test_an_installed_distribution_is_found_without_importing_it(monkeypatch):
    monkeypatch.syspath_prepend(str(GOOD))
    good = next(candidate for candidate in discover() if candidate.name == "good")
    assert (good.distribution, good.version) == ("maf-t-good", "1.0")
    assert "maf_t_good" not in sys.modules


def test_candidates_come_by_name_whatever_the_order_on_the_path(monkeypatch):
    for folder in ("clash_b", "good", "clash_a"):
        monkeypatch.syspath_prepend(str(GOOD.parent / folder))
    names = [candidate.name for candidate in discover()]
    assert names == sorted(names)
    assert {"clash_a", "clash_b", "good"} <= set(names)


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (Selection(), {"a", "b", "c"}),
        (Selection.from_names("a, b"), {"a", "b"}),
        (Selection.from_names(["c"]), {"c"}),
        (Selection.from_names(""), set()),
        (Selection.from_names(None, "b"), {"a", "c"}),
        (Selection.from_names("a,b", "b"), {"a"}),
    ],
)
def test_a_selection_wants(selection, wanted):
    assert {name for name in "abc" if selection.wants(name)} == wanted


def test_the_command_line_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("MAF_PLUGINS", "a,b")
    monkeypatch.setenv("MAF_DISABLE_PLUGINS", "c")
    assert Selection.from_environment().only == {"a", "b"}
    assert Selection.from_environment("c,d").only == {"c", "d"}
    assert not Selection.from_environment("c,d").wants("c")


@given(names=st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True)), blanks=st.sampled_from(["", " ", " , "]))
def test_a_selection_does_not_mind_blanks_and_empty_parts(names, blanks):
    assert Selection.from_names(f"{blanks},".join(names)).only == set(names)


_RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
_BOUNDS = st.lists(st.tuples(st.sampled_from([">=", "<", "==", "!=", "~=", ">", "<="]), _RELEASES), max_size=3)


@given(bounds=_BOUNDS, release=_RELEASES, suffix=st.sampled_from(["", "a1", ".dev2", "+local"]))
def test_versions_are_compared_as_installers_do(bounds, release, suffix):
    text = ",".join(f"{sign}{bound}.0" if sign == "~=" else f"{sign}{bound}" for sign, bound in bounds)
    fits = SpecifierSet(text).contains(release + suffix, prereleases=True)
    candidate = Candidate("x", "maf-x", "1", (f"maf{text}",))
    assert (incompatibility(candidate, release + suffix) is None) == fits


@pytest.mark.parametrize(
    "requires", ["maf>=0.1", "maf", "maf<9,>=0", "redis>=7", "not a requirement!", "maf-kronos>=9"]
)
def test_a_plugin_that_fits(requires):
    assert incompatibility(Candidate("x", "maf-x", "1", (requires,)), version("maf")) is None


@pytest.mark.parametrize(
    "requires",
    [
        'maf>=9; extra == "future"',
        'maf>=9; python_version < "3"',
    ],
)
def test_a_requirement_whose_marker_is_false_does_not_count(requires):
    assert incompatibility(Candidate("x", "maf-x", "1", (requires,)), version("maf")) is None


@pytest.mark.parametrize("requires", ["maf>=9", "MAF >= 9", "maf[demo]>=9", "maf<0.0.1"])
def test_a_plugin_that_does_not_fit_says_what_it_needs_and_what_to_run(requires):
    reason = incompatibility(Candidate("x", "maf-x", "1", (requires,)), "0.1.0")
    assert reason is not None
    assert "maf-x 1 needs maf" in reason
    assert "this is maf 0.1.0" in reason
    assert "pip install" in reason


def test_a_half_removed_distribution_does_not_hide_the_others(tmp_path):
    """An interrupted pip leaves a dist-info folder without METADATA."""
    left_over = tmp_path / "maf_t_left_over-1.0.dist-info"
    left_over.mkdir()
    (left_over / "entry_points.txt").write_text("[maf]\nleft_over = nowhere_at_all\n")
    found = subprocess.run(
        [sys.executable, "-c", "from maf_core.plugins import discover; print([c.name for c in discover()])"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(GOOD)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "'good'" in found.stdout
