"""The state of a run: copies share nothing, patches merge key by key."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from maf_core.arenas.state import isolated, merge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=10,
)
STATES = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


def containers(value: object) -> list[int]:
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [id(value), *(found for item in inner for found in containers(item))]


def ruin(value: object) -> None:
    for item in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else []):
        ruin(item)
    if isinstance(value, dict | list):
        value.clear()


@given(JSON)
def test_a_copy_is_equal_and_shares_nothing_mutable(value):
    twin = isolated(value)
    assert twin == value
    assert not set(containers(twin)) & set(containers(value))


@given(state=STATES, patch=STATES)
def test_a_merge_takes_what_the_patch_says_and_keeps_the_rest(state, patch):
    before, given_patch = copy.deepcopy(state), copy.deepcopy(patch)
    merge(state, patch)
    for key in set(before) | set(patch):
        if key not in patch:
            assert state[key] == before[key]
        elif not (isinstance(before.get(key), dict) and isinstance(patch[key], dict)):
            assert state[key] == patch[key]
    assert patch == given_patch


@given(state=STATES, patch=STATES)
def test_a_merge_twice_is_a_merge_once(state, patch):
    merge(state, patch)
    once = copy.deepcopy(state)
    merge(state, patch)
    assert state == once


@given(state=STATES, patch=STATES)
def test_a_patch_changed_after_the_merge_changes_nothing(state, patch):
    merge(state, patch)
    merged = copy.deepcopy(state)
    ruin(patch)
    assert state == merged


def test_nested_objects_merge_and_lists_replace():
    state = {"signals": {"a": {"x": 1}, "b": {}}, "factors": [1, 2]}
    merge(state, {"signals": {"a": {"y": 2}, "b": None}, "factors": [3]})
    assert state == {"signals": {"a": {"x": 1, "y": 2}, "b": None}, "factors": [3]}
