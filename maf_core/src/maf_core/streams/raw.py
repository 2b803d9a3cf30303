"""The one place that knows the shapes of the client's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

RawFields = dict[bytes, bytes]


def text(value: Any) -> str:
    """A reply as text, whatever bytes it holds."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def entries(answer: Any) -> list[tuple[str, RawFields]]:
    """The entries of XRANGE, XREVRANGE or XAUTOCLAIM. An entry that was deleted meanwhile has no fields."""
    return [(text(entry_id), fields or {}) for entry_id, fields in answer or []]


def by_stream(answer: Any) -> Iterator[tuple[str, list[tuple[str, RawFields]]]]:
    """The streams and entries of XREAD or XREADGROUP, under either protocol version."""
    for stream, found in answer.items() if isinstance(answer, dict) else answer or []:
        yield text(stream), entries(found)
