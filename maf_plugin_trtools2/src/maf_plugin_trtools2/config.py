"""What an arena's binding may set for each source."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from maf_core import SourceConfig
from maf_core.bars import seconds_of
from maf_core.errors import UsageError
from maf_core.sources.window import KEPT, WindowConfig


class BarsConfig(SourceConfig):
    """Which bars, and how many. Bars older than `max_age_days` before the query are marked stale."""

    timeframe: str = "1d"
    lookback: int = Field(260, ge=1, le=KEPT)
    stream: str | None = None
    max_age_days: float = Field(7.0, gt=0)

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, value: str) -> str:
        try:
            seconds_of(value)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return value.lower()

    @property
    def stream_name(self) -> str:
        """The stream to read: `stream`, else the timeframe's own."""
        return self.stream or f"trtools2:bars:{self.timeframe}"


class NewsConfig(WindowConfig):
    """Which news."""

    stream: str = "trtools2:news"


class StrategyEventsConfig(WindowConfig):
    """Which strategy events."""

    stream: str = "trtools2:strategy_events"


class IndicatorsConfig(WindowConfig):
    """Which indicators: those of a timeframe's own stream, or of `stream`."""

    stream: str = ""
    timeframe: str = "1d"

    @model_validator(mode="before")
    @classmethod
    def _own_stream(cls, given: Any) -> Any:
        if isinstance(given, dict) and not given.get("stream"):
            return {**given, "stream": f"trtools2:indicators:{given.get('timeframe', '1d')}"}
        return given
