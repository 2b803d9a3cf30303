"""The state of a run: plain JSON in containers that nobody can change, and merges that leave what others hold alone."""

from __future__ import annotations

import copy
import json
import pickle
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from maf_core.arenas.state import FrozenDict, FrozenList, frozen, merge, plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("xyzä€😀", max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
STATES = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    ONE = 1


def state_of(value: dict) -> dict:
    return dict(frozen(value))


def containers(value: object) -> list[object]:
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(found for item in inner for found in containers(item))]


@given(JSON)
def test_what_is_frozen_is_equal_to_what_it_was_made_from_and_shares_nothing_with_it(value):
    twin = frozen(value)
    assert twin == value
    assert not {id(part) for part in containers(twin)} & {id(part) for part in containers(value)}


@given(JSON)
def test_what_is_frozen_is_not_copied_again(value):
    twin = frozen(value)
    assert frozen(twin) is twin
    if isinstance(twin, dict | list) and twin:
        wrapped = frozen({"it": [twin]})
        assert wrapped["it"][0] is twin


@given(JSON)
def test_json_keeps_all_of_it(value):
    assert from_json(to_json(frozen(value))) == value
    assert json.loads(json.dumps(frozen(value))) == value


CHANGES = {
    "__setitem__": lambda c: c.__setitem__(next(iter(c)) if isinstance(c, dict) else 0, 1),
    "__delitem__": lambda c: c.__delitem__(next(iter(c)) if isinstance(c, dict) else 0),
    "clear": lambda c: c.clear(),
    "pop": lambda c: c.pop(*[next(iter(c))] if isinstance(c, dict) else []),
    "popitem": lambda c: c.popitem(),
    "setdefault": lambda c: c.setdefault("new", 1),
    "update": lambda c: c.update(new=1),
    "__ior__": lambda c: c.__ior__({"new": 1}),
    "__iadd__": lambda c: c.__iadd__([1]),
    "__imul__": lambda c: c.__imul__(2),
    "append": lambda c: c.append(1),
    "extend": lambda c: c.extend([1]),
    "insert": lambda c: c.insert(0, 1),
    "remove": lambda c: c.remove(c[0]),
    "reverse": lambda c: c.reverse(),
    "sort": lambda c: c.sort(),
}


@pytest.mark.parametrize(
    ("container", "name"),
    [(container, name) for container in ({"a": 1}, [1, 2]) for name in CHANGES if hasattr(container, name)],
)
def test_it_refuses_every_change(container, name):
    twin = frozen(container)
    with pytest.raises(TypeError, match="copy it before you change it"):
        CHANGES[name](twin)
    assert twin == container


def test_no_method_that_changes_is_forgotten():
    """Whatever a dict or list can do that its frozen kind does in the same way leaves it as it is."""
    reading = {"__getitem__", "__contains__", "__len__", "__iter__", "__reversed__", "__eq__", "__ne__", "__lt__"}
    reading |= {"__le__", "__gt__", "__ge__", "__hash__", "__repr__", "__getattribute__", "__class_getitem__"}
    reading |= {"__new__", "__init__", "__sizeof__", "__doc__", "__or__", "__ror__", "__add__", "__mul__", "__rmul__"}
    reading |= {"get", "items", "keys", "values", "copy", "fromkeys", "index", "count"}
    for kind, base in ((FrozenDict, dict), (FrozenList, list)):
        same = {name for name in vars(base) if getattr(kind, name) == getattr(base, name)}
        assert same <= reading, same - reading


@pytest.mark.parametrize("copied", [copy.deepcopy, plain, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_of_it_can_be_changed(copied):
    original = frozen({"a": [{"b": 1}]})
    twin = copied(original)
    twin["a"][0]["b"] = 2
    twin["a"].append(3)
    assert original == {"a": [{"b": 1}]}
    assert {type(part) for part in containers(twin)} == {dict, list}


def test_a_shallow_copy_can_be_changed():
    original = frozen({"a": {"b": 1}})
    for twin in (copy.copy(original), original.copy(), dict(original), original | {}):
        twin["c"] = 1
        assert "c" not in original


def test_members_of_enumerations_and_other_kinds_of_text_and_numbers_become_plain():
    found = frozen({"colour": Colour.RED, Colour.RED: Size.ONE, "pair": (1, 2)})
    assert found == {"colour": "red", "red": 1, "pair": [1, 2]}
    assert [type(value) for value in (found["colour"], found["red"], next(iter(found)))] == [str, int, str]


def endless() -> list:
    value: list = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "object is not JSON data"),
        ({"a": [{1, 2}]}, "set is not JSON data"),
        (b"bytes", "bytes is not JSON data"),
        ({1: "a"}, "the key 1 is not text"),
        ({None: "a"}, "the key None is not text"),
        ("\ud800", "surrogates not allowed"),
        ({"\udfff": 1}, "surrogates not allowed"),
        (endless(), "nested deeper than 100 levels"),
    ],
)
def test_what_json_has_no_word_for_is_refused(value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        frozen(value)


@given(state=STATES, patch=STATES)
def test_a_merge_takes_what_the_patch_says_and_keeps_the_rest(state, patch):
    merged, given_patch = state_of(state), copy.deepcopy(patch)
    merge(merged, patch)
    for key in set(state) | set(patch):
        if key not in patch:
            assert merged[key] == state[key]
        elif not (isinstance(state.get(key), dict) and isinstance(patch[key], dict)):
            assert merged[key] == patch[key]
    assert patch == given_patch


@given(state=STATES, patch=STATES)
def test_a_merge_twice_is_a_merge_once(state, patch):
    merged = state_of(state)
    merge(merged, patch)
    once = plain(merged)
    merge(merged, patch)
    assert merged == once


@given(state=STATES, patch=STATES)
def test_whoever_holds_the_state_of_before_keeps_seeing_that(state, patch):
    merged = state_of(state)
    held = dict(merged)
    merge(merged, patch)
    assert held == state


@given(state=STATES, patch=STATES)
def test_what_the_patch_does_not_touch_is_the_same_object_as_before(state, patch):
    merged = state_of(state)
    before = dict(merged)
    merge(merged, patch)
    untouched = [key for key in before if key not in patch]
    assert [key for key in untouched if merged[key] is not before[key]] == []


def test_along_a_changed_path_the_neighbours_stay_the_same_objects():
    state = state_of({"signals": {"a": {"x": 1}, "b": {"y": [1]}}, "reports": {"long": ["story"]}})
    before = dict(state)
    merge(state, {"signals": {"a": {"x": 2}}})
    assert state["reports"] is before["reports"]
    assert state["signals"]["b"] is before["signals"]["b"]
    assert state["signals"]["a"] == {"x": 2}


def test_a_patch_changed_after_the_merge_changes_nothing():
    state, patch = state_of({}), {"reports": {"a": [1]}}
    merge(state, patch)
    patch["reports"]["a"].append(2)
    assert state == {"reports": {"a": [1]}}


def test_nested_objects_merge_and_lists_replace():
    state = state_of({"signals": {"a": {"x": 1}, "b": {}}, "factors": [1, 2]})
    merge(state, {"signals": {"a": {"y": 2}, "b": None}, "factors": [3]})
    assert state == {"signals": {"a": {"x": 1, "y": 2}, "b": None}, "factors": [3]}
