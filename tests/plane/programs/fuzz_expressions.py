"""Hostile rules and entries: nothing but the language's own error is raised, and nothing takes long.

Every attempt of the corpus is made, then `--count` expressions: from a grammar, mutated ones, and plain noise. Each is
compiled, and evaluated on several entries when it compiles. Printed are counts and the slowest, in processor time.
Exits 1 when another error gets out, a value is not true or false, or something takes longer than it may.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.functions import FUNCTIONS

CORPUS = Path(__file__).parent.parent / "data" / "hostile_expressions.yaml"
REFUSED_S, EVALUATED_S = 0.01, 0.1
HUGE, LARGE = 1_000_000, 10_000


def corpus(kind: str) -> list[tuple[str, str]]:
    """The attempts that are `refused` or `not_true`, each with its group."""
    groups = yaml.safe_load(CORPUS.read_text())[kind]
    return [(group, _text(item)) for group, items in groups.items() for item in items]


def _text(item: str | list[Any]) -> str:
    if isinstance(item, str):
        return item
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in item)


def hostile(size: int) -> dict[str, Any]:
    """An entry with a bit of everything, each field of about `size` characters or values."""
    return {
        "a": 1, "n": 10**9, "zero": 0, "float": 1.5, "huge": 1e308, "big": 10**4299, "nothing": None, "flag": True,
        "inf": float("inf"), "nan": float("nan"), "text": "é" * size, "expanding": "ΐ" * size, "format": "%999999999d",
        "digits": "9" * size, "fraction": "0." + "5" * size, "spaces": " " * size + "x", "haystack": "a" * size,
        "needle": "a" * (size // 2) + "b", "list": list(range(size)), "empty": [], "mixed": [1, "a", None, [], {}],
        "texts": ["a" * 1000] * (size // 1000), "nested": _nested(1000), "same_nested": _nested(1000),
        "copies": [_nested(100) for _ in range(50)], "objects": [{"a": {"b": [each]}} for each in range(size // 10)],
        "same_objects": [{"a": {"b": [each]}} for each in range(size // 10)], "deep": {"b": None, "": {}},
    }  # fmt: skip


def _nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


ENTRIES = [hostile(LARGE), {}, {"a": {"a": {"a": "a"}}, "text": 5, "list": {"0": 1}, "n": "9"}, [], None, 5, "payload"]

FIELDS = [*hostile(1), "deep.b", "list[0]", "['a']", "missing"]
ATOMS = ["0", "1", "-1", "2.5", "1e308", "9" * 17, "''", "'a'", '"é"', "'%s'", "True", "None", "[]", "[1,2]", "('a',)"]
NUMERIC = ["+", "-", "*", "/", "//", "%"]
LOGICAL = ["<", "<=", ">", ">=", "==", "!=", "in", "not in", "and", "or", "and not", "is None or"]
NOISE = "()[]{}.,:;'\"\\#=!<>~^&|@$?`_ \t\n\r\0\x0c\ud800\u202eéａ９0123456789abcdefxyz"
WORDS = ["lambda ", "for x in ", " if ", " else ", ":=", "**", "__class__", "f'{", "*", "await ", "payload", "1e999"]


class Maker:
    """Makes expressions, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._seen = [text for kind in ("refused", "not_true") for _, text in corpus(kind) if len(text) < 2500]

    def __call__(self) -> str:
        """The next one: from the grammar, a mutation, or noise."""
        draw = self._random.random()
        if draw < 0.45:
            made = self._part(self._random.randint(1, 5))
        elif draw < 0.9:
            return self._mutated(self._random.choice(self._seen), self._random.choice(self._seen))
        else:
            made = "".join(self._random.choices([*NOISE, *WORDS], k=self._random.randint(0, 40)))
        self._seen[self._random.randrange(len(self._seen))] = made
        return made

    def _part(self, depth: int) -> str:
        choose = self._random.choice
        if depth == 0:
            return choose(ATOMS) if self._random.random() < 0.3 else f"payload.{choose(FIELDS)}".replace(".[", "[")
        parts = [self._part(depth - 1) for _ in range(self._random.randint(1, 3))]
        shapes: list[Callable[[], str]] = [
            lambda: f" {choose(LOGICAL)} ".join(parts),
            lambda: f"({parts[0]} {choose(LOGICAL)} {parts[-1]})",
            lambda: f"({parts[0]} {choose(NUMERIC)} {parts[-1]})",
            lambda: f"{choose(list(FUNCTIONS))}({', '.join(parts[:2])})",
            lambda: f"{choose(['not ', '-', '+'])}{parts[0]}",
            lambda: f"({parts[0]} if {parts[-1]} else {parts[0]})",
            lambda: f"[{', '.join(parts)}]",
            lambda: f"payload[{parts[-1]}]",
        ]
        return choose(shapes)()

    def _mutated(self, text: str, other: str) -> str:
        for _ in range(self._random.randint(1, 4)):
            start, end = sorted(self._random.choices(range(len(text) + 1), k=2))
            start = max(start, end - 30)
            new = self._random.choice(["", text[start:end] * 2, other[:30], *self._random.choices(NOISE, k=3), *WORDS])
            text = text[:start] + new + text[end:]
        return text


def _outcome(act: Callable[[], Any], limit_s: float) -> tuple[Any, float]:
    """What it gives or raises, and the seconds it took: the least of three when the first were too many.

    A virtual machine that stands still counts that as the time of whoever was at work.
    """
    least = float("inf")
    for _ in range(3):
        started = time.thread_time()
        try:
            outcome = act()
        except BaseException as error:  # noqa: BLE001
            outcome = error
        least = min(least, time.thread_time() - started)
        if least <= limit_s:
            break
    return outcome, least


class Tally:
    """What came of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest: dict[str, tuple[float, str]] = {}
        self.wrong: list[str] = []

    def attempt(self, source: str, entries: list[Any]) -> None:
        """Compile one, and ask it about the entries."""
        made, took = _outcome(lambda: Expression(source), REFUSED_S)
        if isinstance(made, Expression):
            self._took("compiled", took, source)
            for entry in entries:
                self._ask(made, entry)
        elif isinstance(made, ExpressionError):
            self._took("refused", took, source)
            self._look_at(source, made)
        else:
            self.wrong.append(f"{source!r} raised {made!r}")

    def _ask(self, expression: Expression, entry: Any) -> None:
        answer, took = _outcome(lambda: expression.holds(entry), EVALUATED_S)
        if answer is not True and answer is not False:
            self.wrong.append(f"{expression.source!r} gave {answer!r:.100}")
            return
        self._took("true" if answer else "not true", took, expression.source)
        if not answer:
            self._say_why(expression, entry)

    def _say_why(self, expression: Expression, entry: Any) -> None:
        value, took = _outcome(lambda: expression(entry), EVALUATED_S)
        if isinstance(value, ExpressionError):
            self._took("does not apply", took, expression.source)
            self._look_at(expression.source, value)
        elif isinstance(value, BaseException):
            self.wrong.append(f"the value of {expression.source!r} raised {value!r}")

    def _look_at(self, source: str, error: ExpressionError) -> None:
        if not 10 < len(str(error)) < 5000 or (error.column is not None and not 0 < error.column <= len(source) + 2):
            self.wrong.append(f"{source!r} has the message {str(error)[:200]!r} for column {error.column}")

    def _took(self, what: str, took: float, source: str) -> None:
        self.counts[what] += 1
        if took > self.slowest.get(what, (0.0, ""))[0]:
            self.slowest[what] = (took, source)

    def lines(self) -> Iterator[str]:
        """Counts and the slowest of each."""
        for what, count in self.counts.most_common():
            took, source = self.slowest.get(what, (0.0, ""))
            yield f"  {what:15}{count:>10,}   slowest {1000 * took:7.3f} ms  {ascii(source)[:60]}"

    @property
    def late(self) -> bool:
        """Whether something took longer than it may."""
        return any(
            took > (REFUSED_S if what in ("refused", "compiled") else EVALUATED_S)
            for what, (took, _) in self.slowest.items()
        )


def main() -> int:
    """Attempt all."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    known, made = Tally(), Tally()
    print("the corpus, and an entry of some 20 MB:")
    huge = [hostile(HUGE)]
    gc.freeze()  # looking through all of it again would count as somebody's time
    for kind in ("refused", "not_true"):
        for _, source in corpus(kind):
            known.attempt(source, huge)
    print(*known.lines(), sep="\n")
    print(f"{given.count:,} expressions, seed {given.seed}:", flush=True)
    maker = Maker(given.seed)
    for _ in range(given.count):
        made.attempt(maker(), ENTRIES)
    print(*made.lines(), sep="\n")
    wrong = known.wrong + made.wrong
    for line in wrong[:20]:
        print(line)
    print("something is wrong" if wrong else "something took too long" if made.late else "all is well")
    return 1 if wrong or made.late else 0


if __name__ == "__main__":
    sys.exit(main())
