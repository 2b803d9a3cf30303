"""The source `trtools2_strategy_events`: what strategies say about a symbol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maf_core import BadEntryError
from maf_core.sources.fields import SYMBOL, known_from, number_of, required_text, text_of
from maf_core.sources.window import Known, WindowSource
from maf_plugin_trtools2.config import StrategyEventsConfig


class StrategyEventsSource(WindowSource):
    """Answers with {symbol, strategy, signal, confidence, ts} rows.

    `signal` is in capitals (BUY, SELL, …), `confidence` in [0, 1] or None when the strategy states none.
    """

    name = "trtools2_strategy_events"
    Config = StrategyEventsConfig

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read an event under the usual names of its fields."""
        happened, as_of = known_from(payload, "ts", "t", "timestamp", "created_at", "as_of")
        symbol = required_text(payload, *SYMBOL).upper()
        strategy = text_of(payload, "strategy", "strategy_name", "strategy_id", "name")
        signal = required_text(payload, "signal", "action", "side", "direction").upper()
        row = {
            "symbol": symbol,
            "strategy": strategy,
            "signal": signal,
            "confidence": _confidence(payload),
            "ts": happened.isoformat(),
        }
        return [symbol], Known(as_of, (strategy, signal, happened), row)


def _confidence(payload: Mapping[str, Any]) -> float | None:
    confidence = number_of(payload, "confidence", "strength", "score")
    if confidence is not None and not 0 <= confidence <= 1:
        raise BadEntryError(f"confidence {confidence:g} is not within 0 to 1")
    return confidence
