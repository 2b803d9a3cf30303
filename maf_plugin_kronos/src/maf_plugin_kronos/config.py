"""What the refresher can be told: MAF_KRONOS_* over `plugins.kronos` in maf.yaml over these defaults."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maf_core import PluginSettings
from maf_core.bars import seconds_of
from maf_plugin_kronos.wire import MAX_ITEMS, Timeframe

_DAY = 86_400


class KronosSettings(PluginSettings):
    """Where forecasts come from and how often. Durations are seconds; `horizon`, `lookback` and `min_bars` are bars.

    `cadence_s` sets, by timeframe, how often the watch list is looked through for symbols without a current forecast.
    `samples=None` leaves the number of paths to the service. `batch_size`: series in one request. `bars_stream` is a
    template with `{tf}`; empty, no stream of bars is followed, and forecasts are as new as their cadence.
    """

    model_config = SettingsConfigDict(env_prefix="MAF_KRONOS_", extra="forbid", frozen=True)

    url: str = "http://127.0.0.1:7070"
    timeframes: tuple[Timeframe, ...] = Field(("1d",), min_length=1)
    cadence_s: dict[str, float] = Field(default_factory=dict)
    horizon: int = Field(5, ge=1)
    samples: int | None = Field(None, ge=1)
    lookback: int = Field(260, ge=2)
    min_bars: int = Field(30, ge=2)
    batch_size: int = Field(64, ge=1, le=MAX_ITEMS)
    timeout_s: float = Field(30.0, gt=0)
    cache_ttl_s: int = Field(7 * _DAY, ge=1)
    threshold: float = Field(0.05, ge=0, lt=1)
    bars_stream: str = "trtools2:bars:{tf}"
    bars_source: str = "trtools2_bars"

    def cadence_of(self, timeframe: str) -> float:
        """Seconds between two looks at the watch list: unless set, 60 for intraday timeframes, else 300."""
        return self.cadence_s.get(timeframe, 60.0 if seconds_of(timeframe) < _DAY else 300.0)

    @property
    def streams(self) -> dict[str, str]:
        """The streams of bars to follow, and the timeframe of each."""
        return {self.bars_stream.format(tf=tf): tf for tf in self.timeframes} if self.bars_stream else {}

    @property
    def min_cadence_s(self) -> float:
        """The shortest cadence of all timeframes."""
        return min(self.cadence_of(timeframe) for timeframe in self.timeframes)
