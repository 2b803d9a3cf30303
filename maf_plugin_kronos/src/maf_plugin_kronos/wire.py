"""What goes over HTTP between the refresher and the forecast service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from maf_core.bars import seconds_of
from maf_core.errors import MAFError, UsageError

MIN_BARS, MAX_BARS = 10, 5000
MAX_ITEMS = 256
# Prices that come from a division carry rounding errors; a bar is not bad because of one.
_ROUNDING = 1e-9


class ForecastError(MAFError):
    """A forecast that was not made. `status`: 422 for bad bars, 503 while the model loads, 504 when out of time.

    `retry_after_s`: for how long asking again is no use, where that is known.
    """

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known(timeframe: str) -> str:
    try:
        seconds_of(timeframe)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return timeframe


Timeframe = Annotated[str, AfterValidator(_known)]
Moment = Annotated[datetime, AfterValidator(_aware)]
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ServiceBar(BaseModel):
    """One bar: `t` is when it opens (UTC where it has no offset); prices in currency, `v` in units."""

    t: Moment
    o: Price
    h: Price
    l: Price  # noqa: E741
    c: Price
    v: float = Field(0.0, ge=0, allow_inf_nan=False)

    def fault(self) -> str | None:
        """What makes this bar impossible, or None."""
        slack = _ROUNDING * self.h
        if self.h < self.l:
            return f"high {self.h:g} is below low {self.l:g}"
        if not (self.l - slack <= min(self.o, self.c) and max(self.o, self.c) <= self.h + slack):
            return f"open {self.o:g} or close {self.c:g} lies outside of low {self.l:g} to high {self.h:g}"
        return None


class ForecastRequest(BaseModel):
    """Bars, oldest first, and what to forecast from them. `temperature`, `top_p` and `top_k` matter to Kronos only."""

    model_config = ConfigDict(frozen=True)

    symbol: str = Field(min_length=1)
    timeframe: Timeframe
    bars: tuple[ServiceBar, ...] = Field(min_length=MIN_BARS, max_length=MAX_BARS)
    horizon: int = Field(ge=1, le=512)
    samples: int | None = Field(None, ge=1, le=10_000)
    temperature: float = Field(1.0, gt=0, le=10)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0)
    seed: int | None = Field(None, ge=0, lt=2**63)

    @field_validator("bars")
    @classmethod
    def _possible_bars(cls, bars: tuple[ServiceBar, ...]) -> tuple[ServiceBar, ...]:
        for number, bar in enumerate(bars):
            if fault := bar.fault():
                raise ValueError(f"bar {number}: {fault}")
        for number, (before, bar) in enumerate(pairwise(bars), start=1):
            if bar.t <= before.t:
                raise ValueError(f"bar {number} opens at {bar.t.isoformat()}, not after the one before it")
        return bars


class BatchRequest(BaseModel):
    """Requests to answer one by one; a bad one does not spoil the others."""

    items: list[Any] = Field(max_length=MAX_ITEMS)


class Step(BaseModel):
    """Closing prices `h` bars ahead over all paths. `t` is when that bar opens."""

    t: datetime
    mean: float
    p10: float
    p50: float
    p90: float


class ForecastAnswer(BaseModel):
    """A forecast.

    `p_up`: probability that the close at the horizon is above the last one, shrunk towards one half; `p_up_raw`: the
    plain share of paths. `expected_return`: mean simple return to the horizon. `calibrated` tells whether `p_up` was
    fitted to outcomes.
    """

    model_config = ConfigDict(protected_namespaces=())

    symbol: str
    model: str
    tokenizer: str | None
    backend: Literal["bootstrap", "kronos"]
    last_close: float
    asof: datetime
    horizon: int
    samples: int
    p_up: float = Field(ge=0, le=1)
    p_up_raw: float = Field(ge=0, le=1)
    expected_return: float
    steps: list[Step]
    latency_ms: float
    calibrated: bool


class Fault(BaseModel):
    """Why there is no forecast: an HTTP status, and a sentence."""

    error: str
    status: int


class BatchAnswer(BaseModel):
    """What became of each item of a batch, in order."""

    items: list[ForecastAnswer | Fault]


def problem(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors as a sentence, and how many more there are."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return "The body is no JSON."
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {message}{more}" if where else f"{message}{more}"
