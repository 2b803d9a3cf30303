"""The source `trtools2_indicators`: indicators of a symbol's bars, as the market data service computes them."""

from __future__ import annotations

from typing import Any

from maf_core import BadEntryError
from maf_core.sources.fields import SYMBOL, known_from, number_of, required_text
from maf_core.sources.window import Known, WindowSource
from maf_plugin_trtools2.config import IndicatorsConfig

_ABOUT = {*SYMBOL, "t", "ts", "timestamp", "created_at", "as_of", "tf", "timeframe", "indicators", "values"}


class IndicatorsSource(WindowSource):
    """Answers with {symbol, ts, values} rows, `values` by the indicator's name; one that is not defined yet is None.

    An entry carries them in `indicators` or `values`, or as fields of its own.
    """

    name = "trtools2_indicators"
    Config = IndicatorsConfig

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read an entry under the usual names of its fields."""
        happened, as_of = known_from(payload, "ts", "t", "timestamp", "created_at", "as_of")
        symbol = required_text(payload, *SYMBOL).upper()
        values = _values(payload)
        if not values:
            raise BadEntryError("the entry has no indicator")
        row = {"symbol": symbol, "ts": happened.isoformat(), "values": values}
        return [symbol], Known(as_of, (happened, *sorted(values)), row)


def _values(payload: dict[str, Any]) -> dict[str, float | None]:
    nested = payload.get("indicators", payload.get("values"))
    if nested is None:
        nested = {name: value for name, value in payload.items() if name not in _ABOUT}
    if not isinstance(nested, dict):
        raise BadEntryError(f"indicators is {type(nested).__name__}, not an object")
    return {name: number_of(nested, name) for name in sorted(nested)}
