"""An agent's own copy of the state: it behaves as a deep copy would, and costs nothing where nobody looks."""

from __future__ import annotations

import copy
import heapq
import json
import pickle
import random
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from maf_core.arenas.own import OwnDict, OwnList, own
from maf_core.arenas.state import FrozenDict, FrozenList, frozen

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text("xyz", max_size=2)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=25,
)
FEW = settings(max_examples=20)
STATES = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


def ruin(value: Any) -> None:
    """Change everything in it, the inner parts first."""
    for item in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else []):
        ruin(item)
    if isinstance(value, dict):
        value["ruined"] = True
    if isinstance(value, list):
        value.append("ruined")


# Every way to get at what is inside. Each gives something whose parts are then changed.
DICT_WAYS = {
    "getitem": lambda d: [d[key] for key in d],
    "get": lambda d: [d.get(key) for key in list(d)],
    "items": lambda d: [value for _, value in d.items()],
    "values": lambda d: list(d.values()),
    "pop": lambda d: [d.pop(key) for key in list(d)],
    "popitem": lambda d: [d.popitem()[1] for _ in range(len(d))],
    "setdefault": lambda d: [d.setdefault(key, 1) for key in list(d)],
    "dict(x)": lambda d: list(dict(d).values()),
    "{**x}": lambda d: list({**d}.values()),
    "x | y": lambda d: list((d | {"z": 1}).values()),
    "y | x": lambda d: list(({"z": 1} | d).values()),
    "copy": lambda d: list(d.copy().values()),
    "copy.copy": lambda d: list(copy.copy(d).values()),
    "update": lambda d: list(_updated(d).values()),
    "|=": lambda d: list(_inplace(d).values()),
    "**call": lambda d: list(_called(**d).values()),
    "match": lambda d: _matched(d),
    "comprehension": lambda d: list({key: value for key, value in d.items()}.values()),  # noqa: C416
    "reversed": lambda d: [d[key] for key in reversed(d)],
    "sorted": lambda d: [value for _, value in sorted(d.items(), key=lambda item: item[0])],
    "map": lambda d: list(map(d.get, list(d))),
    "format": lambda d: [d[key] for key in d if f"{d}"],
}
LIST_WAYS = {
    "getitem": lambda c: [c[at] for at in range(len(c))],
    "negative": lambda c: [c[-at - 1] for at in range(len(c))],
    "slice": lambda c: c[:],
    "part": lambda c: c[1:] + c[:1],
    "step": lambda c: c[::2],
    "backwards": lambda c: c[::-1],
    "iter": list,
    "for": lambda c: [item for item in c],  # noqa: C416
    "reversed": lambda c: list(reversed(c)),
    "tuple": lambda c: [*tuple(c)],
    "star": lambda c: [*c],
    "unpack": lambda c: _unpacked(c),
    "pop": lambda c: [c.pop() for _ in range(len(c))],
    "pop(0)": lambda c: [c.pop(0) for _ in range(len(c))],
    "+": lambda c: c + [1],  # noqa: RUF005
    "radd": lambda c: [1] + c,  # noqa: RUF005
    "*": lambda c: c * 2,
    "rmul": lambda c: 2 * c,
    "copy": lambda c: c.copy(),
    "copy.copy": copy.copy,
    "extend": lambda c: _extended(c),
    "sorted": lambda c: sorted(c, key=repr),
    "sort": lambda c: _sorted(c),
    "zip": lambda c: [item for (item,) in zip(c, strict=True)],
    "enumerate": lambda c: [item for _, item in enumerate(c)],
    "map": lambda c: list(map(lambda item: item, c)),  # noqa: C417
    "filter": lambda c: list(filter(None, c)),
    "match": lambda c: _matched(c),
    "choice": lambda c: [random.choice(c)] if c else [],
    "*=": lambda c: _timed(c),
    "nlargest": lambda c: heapq.nlargest(9, c, key=repr),
    "max": lambda c: [max(c, key=repr)] if c else [],
}


def _updated(d):
    other: dict = {}
    other.update(d)
    return other


def _inplace(d):
    other: dict = {}
    other |= d
    return other


def _called(**given):
    return given


def _matched(value):
    match value:
        case {**rest}:
            return list(rest.values())
        case [first, *rest]:
            return [first, *rest]
    return []


def _unpacked(c):
    if not c:
        return []
    first, *rest = c
    return [first, *rest]


def _extended(c):
    other: list = []
    other.extend(c)
    return other


def _sorted(c):
    c.sort(key=repr)
    return c


def _timed(c):
    c *= 1
    return c


def applied(way, mine, twin) -> None:
    """Reach in this way into one's own and into a deep copy, and ruin what is found: nobody can tell them apart."""
    found, expected = way(mine), way(twin)
    assert found == expected
    ruin(found)
    ruin(expected)
    assert found == expected
    assert mine == twin


@pytest.mark.parametrize("way", DICT_WAYS.values(), ids=list(DICT_WAYS))
@FEW
@given(value=STATES)
def test_whatever_is_reached_in_an_object_is_ones_own(way, value):
    shared = frozen(value)
    applied(way, own(shared), copy.deepcopy(value))
    assert shared == value


@pytest.mark.parametrize("way", LIST_WAYS.values(), ids=list(LIST_WAYS))
@FEW
@given(value=st.lists(JSON, max_size=4))
def test_whatever_is_reached_in_a_list_is_ones_own(way, value):
    if way is LIST_WAYS["choice"]:
        value = value[:1]
    shared = frozen(value)
    applied(way, own(shared), copy.deepcopy(value))
    assert shared == value


@given(value=STATES)
def test_whoever_ruins_all_of_it_ruins_no_other_copy(value):
    shared = frozen(value)
    one, other, twin = own(shared), own(shared), copy.deepcopy(value)
    ruin(one)
    ruin(twin)
    assert one == twin
    assert other == shared == value


@given(value=STATES)
def test_a_copy_of_ones_own_is_independent_and_plain(value):
    for copied in (copy.deepcopy, lambda mine: pickle.loads(pickle.dumps(mine))):
        mine = own(frozen(value))
        twin = copied(mine)
        ruin(twin)
        assert mine == value
        assert not any(isinstance(part, FrozenDict | FrozenList | OwnDict) for part in parts(twin))


def parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(found for item in inner for found in parts(item))]


@given(value=STATES)
def test_it_dumps_as_the_original_does(value):
    for mine in (own(frozen(value)), dict(own(frozen(value)))):
        assert to_json(mine) == to_json(value)
        assert json.dumps(mine) == json.dumps(value)
        assert json.dumps(mine, indent=1, sort_keys=True) == json.dumps(value, indent=1, sort_keys=True)
        assert repr(mine) == repr(value)


@given(value=STATES)
def test_what_comes_back_is_shared_again_where_it_was_not_reached(value):
    shared = frozen(value)
    mine = own(shared)
    again = frozen(mine)
    assert again == shared
    assert [key for key in shared if again[key] is not shared[key]] == []


class Panel(BaseModel):
    anything: Any
    named: dict[str, Any] = {}


@pytest.mark.parametrize(
    "way",
    [
        lambda mine: Panel.model_validate({"anything": mine}).anything,
        lambda mine: Panel.model_validate({"anything": 1, "named": mine}).named,
        TypeAdapter(dict[str, Any]).validate_python,
        lambda mine: {"a": heapq.heappop(mine["rows"])},
    ],
)
def test_what_a_c_extension_finds_past_the_methods_is_ones_own_or_refuses_to_be_changed(way):
    """Some read what a list or dict holds without asking its methods: better a sentence than a spoilt neighbour."""
    value = {"a": {"deep": {"deeper": [1]}}, "rows": [[1]]}
    shared = frozen(value)
    with suppress(TypeError):
        ruin(way(own(shared)))
    assert shared == value


def test_a_part_that_was_found_past_the_methods_says_what_to_do():
    row = heapq.heappop(own(frozen([[1]])))
    with pytest.raises(TypeError, match="copy it before you change it"):
        row.append(2)


def test_what_nobody_reaches_is_never_copied():
    rows = [{"t": at, "c": 1.0, "tags": ["a"]} for at in range(20_000)]
    shared = dict(frozen({"rows": rows, "signals": {"a": {"x": 1}}}))
    mine = [OwnDict(shared) for _ in range(8)]
    for one in mine:
        one["signals"]["a"]["x"] = 2
        one["signals"]["b"] = {}
    assert all(dict.__getitem__(one, "rows") is shared["rows"] for one in mine)


def test_a_copy_for_eight_agents_does_not_grow_with_the_state():
    """A megabyte must cost what two kilobytes cost: measured against a deep copy, so that no machine decides."""
    rows = [{"t": at, "c": 1.0} for at in range(30_000)]
    big, small = (dict(frozen({"rows": rows[:count], "signals": {}})) for count in (30_000, 60))

    def took(work, times: int) -> float:
        started = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - started) / times

    def copies(state):
        return [OwnDict(state) for _ in range(8)]

    fast = min(took(lambda: copies(big), 200) for _ in range(5))
    base = min(took(lambda: copies(small), 200) for _ in range(5))
    slow = took(lambda: copy.deepcopy(rows), 1)
    assert fast < 5 * base + 20e-6
    assert fast < slow / 100


def test_no_method_that_hands_out_parts_is_forgotten():
    """Whatever a dict or list can do that one's own does in the same way hands out keys, numbers or nothing."""
    harmless = {"__contains__", "__len__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"}
    harmless |= {"__repr__", "__getattribute__", "__class_getitem__", "__new__", "__init__", "__sizeof__", "__doc__"}
    harmless |= {"__setitem__", "__delitem__", "__ior__", "__iadd__", "keys", "fromkeys", "update", "clear", "index"}
    harmless |= {"count", "append", "extend", "insert", "remove", "reverse"}
    for kind, base, more in ((OwnDict, dict, {"__reversed__"}), (OwnList, list, set())):
        same = {name for name in vars(base) if getattr(kind, name) == getattr(base, name)}
        assert same - harmless == more
