"""Which series failed lately, and when each may be tried again."""

from __future__ import annotations

import structlog

from maf_core import MAFError
from maf_core.plane.backoff import Backoff

log = structlog.get_logger(__name__)

# A symbol and a timeframe.
Series = tuple[str, str]


class Attempts:
    """Exponential backoff of each series. A streak of failures is one line in the log."""

    def __init__(self) -> None:
        self._backoff = Backoff(base_s=0.5, limit_s=120.0)
        self._failing: dict[str, Series] = {}

    def ready(self, series: Series) -> bool:
        """Whether the series may be tried now."""
        return self._backoff.ready(_target(series))

    def to_retry(self) -> list[Series]:
        """The series that failed and may be tried again."""
        return [series for target, series in self._failing.items() if self._backoff.ready(target)]

    @property
    def failing(self) -> int:
        """How many series failed when last tried."""
        return len(self._failing)

    def failed(self, series: Series, error: MAFError) -> None:
        """Note a failure."""
        target = _target(series)
        delay = self._backoff.failed(target)
        if target not in self._failing:
            log.warning("forecast_failed", symbol=series[0], timeframe=series[1], error=str(error), retry_in_s=delay)
        self._failing[target] = series

    def succeeded(self, series: Series) -> None:
        """Note that the series is up to date."""
        if _target(series) in self._failing:
            log.info("forecast_recovered", symbol=series[0], timeframe=series[1])
        self.forget(series)

    def forget(self, series: Series) -> None:
        """Drop what is known about the series."""
        self._backoff.succeeded(_target(series))
        self._failing.pop(_target(series), None)


def _target(series: Series) -> str:
    return ":".join(series)
