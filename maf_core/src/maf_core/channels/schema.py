"""What the entries of a stream look like, judged by a sample of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maf_core.channels.preview import shortened

_SAMPLES = 3
_MOST = 80
_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the payloads: in how many of them it is, with values of which types (the most frequent first).

    `samples`: a few different values, shortened. `nested`: it holds objects or arrays.
    """

    key: str
    present: int
    types: tuple[str, ...]
    samples: tuple[Any, ...]
    nested: bool


@dataclass(slots=True)
class _Seen:
    types: Counter[str] = field(default_factory=Counter)
    samples: list[Any] = field(default_factory=list)

    def take(self, value: Any) -> None:
        self.types[_TYPES.get(type(value), type(value).__name__)] += 1
        short = shortened(value, _MOST)
        if len(self.samples) < _SAMPLES and repr(short) not in map(repr, self.samples):
            self.samples.append(short)


def infer_schema(payloads: Sequence[Mapping[str, Any]]) -> list[Key]:
    """The keys of these payloads, those that are in most of them first."""
    seen: dict[str, _Seen] = {}
    for payload in payloads:
        for key, value in payload.items():
            seen.setdefault(key, _Seen()).take(value)
    keys = [_key(name, found) for name, found in seen.items()]
    return sorted(keys, key=lambda key: -key.present)


def _key(name: str, seen: _Seen) -> Key:
    types = tuple(kind for kind, _ in seen.types.most_common())
    nested = bool({"object", "array"} & seen.types.keys())
    return Key(name, seen.types.total(), types, tuple(seen.samples), nested)
