"""Mutate payloads of the wire and decode them: the decoder never raises, and says one warning for each that is refused.

Every attempt changes a golden sample once to four times: bytes are flipped, cut and inserted; values are swapped for
those of other types, keys dropped, renamed and given twice, parts nested. Printed are the seed, how many of each kind
were read and refused, and the seconds. Exits 1, with the payload, when the decoder raises or warns otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from maf_plugin_crowd.stream import decode_envelope

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "valid").glob("*.json"))
_VALUES = (None, True, False, 0, -1, 2, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", "1", "YES", "\ud800", "\0")


class Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs: a key may come twice."""


class Mutator:
    """Changes payloads, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._samples = [path.read_bytes().removesuffix(b"\n") for path in GOLDEN]
        self.kinds: dict[str, Callable[[bytes], bytes]] = {
            "flip": self._flip,
            "cut": self._cut,
            "insert": self._insert,
            "swap": self._on_json(self._swap),
            "drop": self._on_json(self._drop),
            "rename": self._on_json(self._rename),
            "double": self._on_json(self._double),
            "nest": self._on_json(self._nest),
        }

    def __call__(self) -> tuple[str, bytes]:
        """The kind of the last change, and the payload."""
        raw, kind = self._random.choice(self._samples), ""
        for _ in range(self._random.randint(1, 4)):
            kind = self._random.choice(list(self.kinds))
            raw = self.kinds[kind](raw)
        return kind, raw

    def _flip(self, raw: bytes) -> bytes:
        at = self._at(raw)
        return raw[:at] + bytes([raw[at] ^ 1 << self._random.randrange(8)]) + raw[at + 1 :] if raw else raw

    def _cut(self, raw: bytes) -> bytes:
        at = self._at(raw)
        return raw[:at] + raw[at + self._random.randint(1, 40) :]

    def _insert(self, raw: bytes) -> bytes:
        at, start = self._at(raw), self._at(raw)
        noise = self._random.randbytes(self._random.randint(1, 8))
        return raw[:at] + self._random.choice([noise, raw[start : start + 30], b"{", b"[", b'"']) + raw[at:]

    def _at(self, raw: bytes) -> int:
        return self._random.randrange(len(raw)) if raw else 0

    def _on_json(self, change: Callable[[Pairs, int], None]) -> Callable[[bytes], bytes]:
        """The change at one place of one object; of what is no JSON any more, nothing."""

        def changed(raw: bytes) -> bytes:
            try:
                document = json.loads(raw, object_pairs_hook=Pairs)
                holder = self._random.choice(_objects(document) or [Pairs()])
                if holder:
                    change(holder, self._random.randrange(len(holder)))
                return _written(document).encode()
            except (ValueError, RecursionError):  # no JSON any more, or nested deeper than Python calls
                return raw

        return changed

    def _swap(self, holder: Pairs, at: int) -> None:
        others = [[], Pairs(), [holder[at][1]], *(value for _, value in holder), *_VALUES]
        holder[at] = holder[at][0], self._random.choice(others)

    def _drop(self, holder: Pairs, at: int) -> None:
        del holder[at]

    def _rename(self, holder: Pairs, at: int) -> None:
        key, value = holder[at]
        holder[at] = self._random.choice([key.upper(), key + " ", "", "data", "schema_version", key[::-1]]), value

    def _double(self, holder: Pairs, at: int) -> None:
        holder.insert(self._random.randrange(len(holder) + 1), (holder[at][0], self._random.choice(_VALUES)))

    def _nest(self, holder: Pairs, at: int) -> None:
        key, value = holder[at]
        for _ in range(self._random.choice([1, 2, 50, 300])):
            value = [value] if self._random.random() < 0.5 else Pairs([(key, value)])
        holder[at] = key, value


def _objects(value: Any) -> list[Pairs]:
    """Every object in a document."""
    found, left = [], [value]
    while left:
        part = left.pop()
        if isinstance(part, Pairs):
            found.append(part)
            left += [inner for _, inner in part]
        elif isinstance(part, list):
            left += part
    return found


def _written(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(key)}:{_written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


def run(count: int, seed: int) -> Counter[tuple[str, str]]:
    """Decode so many; how often each kind was read and refused. Raises `AssertionError` with the payload at fault."""
    warnings: list[dict[str, Any]] = []

    def note(_: Any, level: str, event: dict[str, Any]) -> Any:
        warnings.append({**event, "level": level})
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note])
    try:
        return _tally(Mutator(seed), count, warnings)
    finally:
        structlog.configure(**before)


def _tally(mutate: Mutator, count: int, warnings: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    tally: Counter[tuple[str, str]] = Counter()
    for _ in range(count):
        kind, raw = mutate()
        warnings.clear()
        try:
            refused = decode_envelope({b"data": raw}) is None
        except BaseException as error:
            raise AssertionError(f"{raw!r} raised {error!r}") from error
        told = [(one["event"], one["level"]) for one in warnings]
        assert told == [("envelope_skipped", "warning")] * refused, f"{raw!r} gave {told}"
        tally[kind, "refused" if refused else "read"] += 1
    return tally


def main() -> None:
    """Parse the options, mutate, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    try:
        tally = run(options.count, options.seed)
    except AssertionError as error:
        sys.exit(f"seed {options.seed}: {error}")
    print(f"seed {options.seed}, {tally.total()} payloads, {time.monotonic() - started:.1f} s")
    for kind in sorted({kind for kind, _ in tally}):
        print(f"{kind:8} read {tally[kind, 'read']:6}  refused {tally[kind, 'refused']:6}")


if __name__ == "__main__":
    main()
