"""The state of a run: plain JSON data in containers that nobody can change, so that all who read may share them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

State = dict[str, Any]
KindT = TypeVar("KindT", bound=type)

# Readers of JSON give up at 200; what wraps the state needs some of them.
_DEEPEST = 100


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("this is shared with others; copy it before you change it")


def _unchangeable(*names: str) -> Callable[[KindT], KindT]:
    def change(kind: KindT) -> KindT:
        for name in names:
            setattr(kind, name, _refuse)
        return kind

    return change


@_unchangeable("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update")
class FrozenDict(dict[str, Any]):
    """An object of the state. Everything in it is frozen too."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


@_unchangeable("__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend", "insert", "pop")
@_unchangeable("remove", "reverse", "sort")
class FrozenList(list[Any]):
    """A list of the state. Everything in it is frozen too."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [copy.deepcopy(item, memo) for item in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


_EMPTY = FrozenDict()
_TEXT = frozenset({str})
_AS_THEY_ARE = frozenset({float, int, bool, type(None), FrozenDict, FrozenList})
_FLAT = _AS_THEY_ARE | _TEXT


def frozen(value: Any, depth: int = 0) -> Any:
    """A copy of plain JSON data that nobody can change; what is frozen already is not copied again.

    Tuples become lists. Raises `TypeError` or `ValueError` for what JSON has no word for: other types, keys that are no
    text, text that is not Unicode, and data nested deeper than 100 levels.
    """
    kind = value.__class__
    if kind in _AS_THEY_ARE:
        return value
    if kind is str:
        return _text(value)
    if depth > _DEEPEST:
        raise ValueError(f"the data is nested deeper than {_DEEPEST} levels")
    # Through the base class: what another kind of container would show of itself is not what it holds.
    if isinstance(value, dict):
        return _frozen_dict(value, depth + 1)
    if isinstance(value, list):
        return _frozen_list(value, depth + 1)
    if isinstance(value, tuple):
        return FrozenList([frozen(item, depth + 1) for item in value])
    return _scalar(value)


def _frozen_dict(value: dict[Any, Any], depth: int) -> FrozenDict:
    if not value:
        return _EMPTY
    if not _TEXT.issuperset(map(type, value)):
        return FrozenDict({_key(key): frozen(item, depth) for key, item in dict.items(value)})
    _text("".join(value))
    if value.__class__ is dict and _FLAT.issuperset(map(type, value.values())):
        for item in value.values():
            if item.__class__ is str:
                _text(item)
        return FrozenDict(value)  # a row, as most data is made of: nothing in it needs to be looked into
    return FrozenDict({key: frozen(item, depth) for key, item in dict.items(value)})


def _frozen_list(value: list[Any], depth: int) -> FrozenList:
    if value.__class__ is list and _AS_THEY_ARE.issuperset(map(type, value)):
        return FrozenList(value)
    return FrozenList([frozen(item, depth) for item in list.__iter__(value)])


def plain(value: Any) -> Any:
    """A deep copy of JSON data in ordinary containers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in dict.items(value)}
    if isinstance(value, list):
        return [plain(item) for item in list.__iter__(value)]
    return value


def section(state: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object of the state; empty when there is none, whatever an agent may have put in its place."""
    value = state.get(key)
    return value if isinstance(value, dict) else {}


def merge(state: State, patch: Mapping[str, Any]) -> None:
    """Apply a patch: nested objects are merged key by key, anything else replaces what was there.

    Only `state` itself changes, not what is in it: along the changed paths there are new objects, the rest is the same.
    Whoever took what stood there before keeps seeing that.
    """
    for key, value in frozen(patch).items():
        state[key] = _merged(state.get(key), value)


def _merged(known: Any, value: Any) -> Any:
    if known.__class__ is not FrozenDict or value.__class__ is not FrozenDict:
        return value
    if not value:
        return known
    merged = dict(known)
    for key, item in value.items():
        merged[key] = _merged(known.get(key), item)
    return FrozenDict(merged)


def _text(value: str) -> str:
    if not value.isascii():
        value.encode()  # half a surrogate pair can be neither saved nor sent
    return value


def _key(key: Any) -> str:
    if key.__class__ is str:
        return _text(key)
    if isinstance(key, str):
        return _text(str.__str__(key))
    raise TypeError(f"the key {key!r} is not text")


def _scalar(value: Any) -> Any:
    """The plain value of an enumeration's member, or of another kind of text or number."""
    if isinstance(value, str):
        return _text(str.__str__(value))
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} is not JSON data")
