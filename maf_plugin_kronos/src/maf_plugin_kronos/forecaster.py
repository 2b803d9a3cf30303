"""Makes forecasts: bars → forecast service → cache → stream, for many series at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maf_core import AppContext, NotUsableError, RefreshError, ServiceAwayError, SourceQuery, Target
from maf_core.clock import parse_time
from maf_plugin_kronos.client import ForecastClient
from maf_plugin_kronos.config import KronosSettings
from maf_plugin_kronos.store import ForecastStore, direction_of
from maf_plugin_kronos.wire import ForecastAnswer, ForecastError

_BAD_BARS = 422
# Of one item of a batch: what they say is about the service, not about its bars.
_AWAY = (503, 504)
_TOO_SLOW = 504


class TooSlowError(ServiceAwayError):
    """The service did not answer in time; about fewer series it might have."""


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one target. `as_of`: when the newest of them was known."""

    target: Target
    as_of: datetime
    bars: Sequence[Any]

    @property
    def seed(self) -> int:
        """The same wherever and whenever this forecast is made: 32 bits."""
        digest = hashlib.sha256(f"{self.target.id}|{self.target.variant}|{self.as_of.isoformat()}".encode()).digest()
        return int.from_bytes(digest[:4])


class Forecaster:
    """Brings forecasts up to date with their bars. A target is a symbol; its variant, a timeframe."""

    def __init__(
        self, context: AppContext, settings: KronosSettings, client: ForecastClient, store: ForecastStore
    ) -> None:
        self._settings = settings
        self._client = client
        self._store = store
        self._bars = {
            tf: context.sources.get(settings.bars_source, {"timeframe": tf, "lookback": settings.lookback})
            for tf in settings.timeframes
        }
        # Why the service refused the bars known at a moment: the same bars are not sent again.
        self._refused: dict[Target, tuple[datetime, str]] = {}

    def forget(self, targets: Iterable[Target]) -> None:
        """Drop what is known about these."""
        for target in targets:
            self._refused.pop(target, None)

    async def refresh(self, targets: Sequence[Target]) -> dict[Target, Exception]:
        """Forecast from the bars known at each `as_of`, unless that was done before; cache, then emit what is news.

        Returns the errors of single targets. Raises `ServiceAwayError` when the service gives no forecasts at all.
        """
        series = [found for target in targets if (found := await self._series(target)) is not None]
        current = await self._current(series)
        wanted = [each for each in series if each.target not in current]
        failures: dict[Target, Exception] = {each.target: error for each in wanted if (error := self._known_bad(each))}
        made, refused = await self._make([each for each in wanted if each.target not in failures])
        saved = await self._store.save(list(made.values()))
        # Cached ones too: whoever cached one may have died before emitting it.
        known = {**current, **made}
        emitted = await self._store.emit([known[target] for target in targets if target in known])
        await self._store.count(forecasts=saved, emitted=emitted, failures=len(refused))
        return {**failures, **refused}

    async def _series(self, target: Target) -> Series | None:
        """The target's bars, or None when there are too few."""
        found = await self._bars[target.variant].fetch(SourceQuery({"ticker": target.id}, target.as_of))
        if found.as_of is None or len(found.data or ()) < self._settings.min_bars:
            return None
        return Series(target, found.as_of, found.data)

    async def _current(self, series: Sequence[Series]) -> dict[Target, Mapping[str, Any]]:
        """The cached forecasts that are as new as their bars."""
        cached = await self._store.cached([(each.target.id, each.target.variant) for each in series])
        return {
            each.target: forecast
            for each, forecast in zip(series, cached, strict=True)
            if forecast is not None and parse_time(forecast["as_of"]) >= each.as_of
        }

    async def _make(self, wanted: Sequence[Series]) -> tuple[dict[Target, Mapping[str, Any]], dict[Target, Exception]]:
        if not wanted:
            return {}, {}
        made: dict[Target, Mapping[str, Any]] = {}
        failures: dict[Target, Exception] = {}
        for each, answer in zip(wanted, await self._ask(wanted), strict=True):
            if isinstance(answer, ForecastError):
                failures[each.target] = self._failure(each, answer)
            else:
                self._refused.pop(each.target, None)
                made[each.target] = payload_of(answer, each.target.variant, each.as_of)
        return made, failures

    async def _ask(self, wanted: Sequence[Series]) -> list[ForecastAnswer | ForecastError]:
        try:
            return await self._client.forecasts([self._request(each) for each in wanted])
        except ForecastError as error:
            await self._store.count(failures=1)
            kind = TooSlowError if error.status == _TOO_SLOW else ServiceAwayError
            raise kind(str(error), error.retry_after_s) from error

    def _request(self, series: Series) -> dict[str, Any]:
        return {
            "symbol": series.target.id,
            "timeframe": series.target.variant,
            "bars": series.bars,
            "horizon": self._settings.horizon,
            "samples": self._settings.samples,
            "seed": series.seed,
        }

    def _failure(self, series: Series, error: ForecastError) -> Exception:
        if error.status in _AWAY:
            return ServiceAwayError(str(error), error.retry_after_s)
        if error.status != _BAD_BARS:
            return RefreshError(str(error))
        self._refused[series.target] = (series.as_of, str(error))
        return NotUsableError(str(error))

    def _known_bad(self, series: Series) -> Exception | None:
        as_of, reason = self._refused.get(series.target, (None, ""))
        return NotUsableError(reason) if as_of == series.as_of else None


def payload_of(answer: ForecastAnswer, timeframe: str, as_of: datetime) -> dict[str, Any]:
    """The forecast as it is cached and emitted. `as_of`: when the newest of its bars was known."""
    payload = answer.model_dump(mode="json")
    prob_up = payload.pop("p_up")
    moment = as_of.isoformat()
    return {
        **payload,
        "tf": timeframe,
        "as_of": moment,
        "asof": moment,
        "prob_up": prob_up,
        "direction": direction_of(prob_up),
    }
