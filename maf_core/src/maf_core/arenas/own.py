"""Copies of the state to write in, which cost nothing until something in them is reached.

An agent gets one `OwnDict` around the frozen state. Whatever it reaches in there is copied then, one level deep, and
put in place of what is shared; what it never reaches is never copied. Every way to reach a part is covered below. What
is left are C extensions that read a subclass of `dict` or `list` past its methods: they find the frozen originals,
which refuse to be changed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from maf_core.arenas.state import FrozenDict, FrozenList

_NOTHING = object()


def own(value: Any) -> Any:
    """The caller's own of a frozen value; anything else is the caller's already."""
    kind = value.__class__
    if kind is FrozenDict:
        return OwnDict(value)
    if kind is FrozenList:
        return OwnList(value)
    return value


class OwnDict(dict[str, Any]):
    """A dict whose frozen parts become the reader's own when they are reached."""

    __slots__ = ()

    def _reach(self) -> OwnDict:
        """Make all parts one's own. Only values are replaced, which a dict allows while it is iterated."""
        for key, value in dict.items(self):
            if value.__class__ is FrozenDict or value.__class__ is FrozenList:
                dict.__setitem__(self, key, own(value))
        return self

    def __getitem__(self, key: str) -> Any:
        value = dict.__getitem__(self, key)
        if value.__class__ is FrozenDict or value.__class__ is FrozenList:
            value = own(value)
            dict.__setitem__(self, key, value)
        return value

    def __iter__(self) -> Iterator[str]:
        # Not for its own sake: without it `dict(x)` and `{**x}` would copy what is inside past `__getitem__`.
        return dict.__iter__(self)

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: str, default: Any = None) -> Any:
        dict.setdefault(self, key, default)
        return self[key]

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        return own(dict.pop(self, key) if default is _NOTHING else dict.pop(self, key, default))

    def popitem(self) -> tuple[str, Any]:
        key, value = dict.popitem(self)
        return key, own(value)

    def items(self) -> Any:
        return dict.items(self._reach())

    def values(self) -> Any:
        return dict.values(self._reach())

    def copy(self) -> dict[str, Any]:
        return dict(dict.items(self._reach()))

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        twin: dict[str, Any] = {}
        memo[id(self)] = twin
        twin.update((key, copy.deepcopy(value, memo)) for key, value in dict.items(self))
        return twin

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return dict, (self.copy(),)

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()


class OwnList(list[Any]):
    """A list whose frozen parts become the reader's own when they are reached."""

    __slots__ = ()

    def _reach(self) -> OwnList:
        for at, value in enumerate(list.__iter__(self)):
            if value.__class__ is FrozenDict or value.__class__ is FrozenList:
                list.__setitem__(self, at, own(value))
        return self

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        value = list.__getitem__(self, at)
        if value.__class__ is FrozenDict or value.__class__ is FrozenList:
            value = own(value)
            list.__setitem__(self, at, value)
        return value

    def __iter__(self) -> Iterator[Any]:
        return list.__iter__(self._reach())

    def __reversed__(self) -> Iterator[Any]:
        return list.__reversed__(self._reach())

    def pop(self, at: Any = -1) -> Any:
        return own(list.pop(self, at))

    def sort(self, **how: Any) -> None:
        list.sort(self._reach(), **how)

    def copy(self) -> list[Any]:
        return list(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        twin: list[Any] = []
        memo[id(self)] = twin
        twin.extend(copy.deepcopy(value, memo) for value in list.__iter__(self))
        return twin

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return list, (list(self),)

    def __add__(self, other: Any) -> Any:
        return list(self) + other

    def __radd__(self, other: Iterable[Any]) -> Any:
        return [*other, *self]

    def __mul__(self, times: Any) -> Any:
        return list(self) * times

    __rmul__ = __mul__

    def __imul__(self, times: Any) -> Any:
        return list.__imul__(self._reach(), times)
