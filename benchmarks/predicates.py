"""What one evaluation of a trigger's expression costs, beside a native lambda and simpleeval, interleaved in one run.

All get the same payload; simpleeval gets its expression parsed beforehand. Contenders take turns of two milliseconds of
processor time; printed are medians, and the medians of the ratios within a turn, which other load on the machine leaves
alone. Exits 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any, NamedTuple

import simpleeval

from maf_core.plane.expressions import Expression

PAYLOAD = {
    "symbol": "AAPL",
    "price": 187.25,
    "open": 186.5,
    "high": 188.0,
    "low": 185.75,
    "volume": 52_164_500,
    "change": 0.12,
    "signal": "buy",
    "synthesis": {"verdict": "BUY", "confidence": 0.8},
}
# At most so many times what a lambda takes, and at least so many times faster than simpleeval.
LAMBDA_TARGET, SIMPLEEVAL_TARGET = 2.0, 50.0
TURN_S = 0.002

Predicate = Callable[[Any], Any]


class Shape(NamedTuple):
    """An expression, and how one writes it in Python."""

    source: str
    native: Predicate
    true: bool = True


def _without_a_field(payload: Any) -> bool:
    try:
        return bool(payload["sentiment"] > 0.7)
    except KeyError:
        return False


SHAPES = {
    "one comparison": Shape("payload.price > 100", lambda p: p["price"] > 100),
    "nested fields": Shape(
        'payload.synthesis.verdict != "HOLD" and payload.synthesis.confidence >= 0.7',
        lambda p: p["synthesis"]["verdict"] != "HOLD" and p["synthesis"]["confidence"] >= 0.7,
    ),
    "and, or": Shape(
        'payload.price > 200 and payload.volume > 1000 or payload.symbol == "AAPL"',
        lambda p: (p["price"] > 200 and p["volume"] > 1000) or p["symbol"] == "AAPL",
    ),
    "in a list": Shape('payload.symbol in ["IBM", "MSFT", "AAPL"]', lambda p: p["symbol"] in ["IBM", "MSFT", "AAPL"]),
    "a function": Shape("abs(payload.change) > 0.1", lambda p: abs(p["change"]) > 0.1),
    "a function of text": Shape('upper(payload.signal) == "BUY"', lambda p: p["signal"].upper() == "BUY"),
    "arithmetic": Shape(
        "(payload.high - payload.low) / payload.open > 0.01", lambda p: (p["high"] - p["low"]) / p["open"] > 0.01
    ),
    "a product": Shape("payload.price * payload.volume > 1000000", lambda p: p["price"] * p["volume"] > 1000000),
    "a missing field": Shape("payload.sentiment > 0.7", _without_a_field, true=False),
}


def of_simpleeval(source: str) -> Predicate:
    """The expression in the fastest evaluator that knows lists where there is one."""
    kind = simpleeval.EvalWithCompoundTypes if "[" in source else simpleeval.SimpleEval
    evaluator = kind(functions={"abs": abs, "upper": str.upper})
    tree = evaluator.parse(source)
    names = evaluator.names = {**evaluator.names}

    def predicate(payload: Any) -> Any:
        names["payload"] = payload
        try:
            return evaluator.eval(source, previously_parsed=tree)
        except simpleeval.InvalidExpression:
            return False

    return predicate


def contenders(shape: Shape) -> dict[str, Predicate]:
    """Who takes part; all say the same of the payload."""
    found = {
        "lambda": shape.native,
        "maf": Expression(shape.source).holds,
        "simpleeval": of_simpleeval(shape.source),
    }
    answers = {name: bool(predicate(PAYLOAD)) for name, predicate in found.items()}
    assert set(answers.values()) == {shape.true}, f"{shape.source}: {answers}"
    return found


def measured(shape: Shape, rounds: int) -> dict[str, list[float]]:
    """Seconds for one evaluation, turn by turn."""
    timers = {
        name: timeit.Timer("ask(entry)", "ask, entry = given", time.thread_time, {"given": (predicate, PAYLOAD)})
        for name, predicate in contenders(shape).items()
    }
    calls = {name: max(1, int(TURN_S / (timer.timeit(1000) / 1000))) for name, timer in timers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(calls[name]) / calls[name])
    return seconds


def ratio(slower: list[float], faster: list[float]) -> float:
    """The median of the ratios, turn by turn."""
    return statistics.median(one / other for one, other in zip(slower, faster, strict=True))


def main() -> int:
    """Measure every shape."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=201)
    rounds = arguments.parse_args().rounds
    missed = []
    print(f"{'':20}{'lambda':>10}{'maf':>10}{'of lambda':>12}{'simpleeval':>12}{'of maf':>8}")
    for name, shape in SHAPES.items():
        took = measured(shape, rounds)
        of_lambda, of_maf = ratio(took["maf"], took["lambda"]), ratio(took["simpleeval"], took["maf"])
        shown = {each: f"{1e9 * statistics.median(seconds):,.0f} ns" for each, seconds in took.items()}
        print(
            f"{name:20}{shown['lambda']:>10}{shown['maf']:>10}{of_lambda:>12.2f}{shown['simpleeval']:>12}{of_maf:>8.0f}"
        )
        if of_lambda > LAMBDA_TARGET or of_maf < SIMPLEEVAL_TARGET:
            missed.append(name)
    print(f"{'target':20}{LAMBDA_TARGET:>32.2f}{SIMPLEEVAL_TARGET:>20.0f}")
    print(f"missed: {', '.join(missed)}" if missed else "every target is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
