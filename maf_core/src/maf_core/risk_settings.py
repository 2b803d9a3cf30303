"""What the risk gate allows, and who carries out what it approves: `risk` and `execution` of the settings."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WORKING_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError("write a time zone as America/New_York or Europe/London") from error
    return name


class MarketHours(BaseModel):
    """When an exchange trades: from `open` to `close` on these `days`, in local time.

    A `close` at or before `open` is one of the next day. `holidays` and `early_closes` are of your own keeping.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    open: time
    close: time
    timezone: Annotated[str, AfterValidator(_time_zone)]
    days: tuple[Weekday, ...] = Field(WORKING_DAYS, min_length=1)
    holidays: frozenset[date] = frozenset()
    early_closes: dict[date, time] = Field(default_factory=dict)


class RiskSettings(BaseModel):
    """Limits of the risk gate; None: no limit.

    Sizes and exposures are fractions of an arena's equity, summed over all arenas. `max_loss` is money, in the currency
    of the outcomes. `market_hours`: by exchange, "default" for all others; nothing is checked without any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size_fraction: float = Field(0.25, gt=0, le=1)
    max_ticker_exposure: float | None = Field(0.5, ge=0, allow_inf_nan=False)
    max_exposure: float | None = Field(1.0, ge=0, allow_inf_nan=False)
    max_actions_per_hour: int | None = Field(100, ge=0)
    max_loss: float | None = Field(5000.0, gt=0, allow_inf_nan=False)
    loss_window_h: float = Field(24.0, gt=0, allow_inf_nan=False)
    min_confidence: float = Field(0.0, ge=0, le=1)
    max_age_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    max_price_gap: float | None = Field(0.2, gt=0, allow_inf_nan=False)
    price_streams: tuple[str, ...] = ("trtools2:bars:1d",)
    market_hours: dict[str, MarketHours] = Field(default_factory=dict)
    approval_ttl_s: float = Field(3600.0, gt=0, allow_inf_nan=False)
    check_timeout_s: float = Field(5.0, gt=0)


class ExecutionSettings(BaseModel):
    """Who carries out what the risk gate approves: nothing but paper, unless an engine is named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str = Field("paper", min_length=1)
