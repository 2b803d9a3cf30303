"""The source `mirofish_sim`: the simulation of a report, or the newest about a symbol, as of any moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import BadEntryError, BaseSource, KeyFreshness, SourceConfig, SourceQuery, SourceResult, StreamView
from maf_core.clock import parse_time
from maf_plugin_mirofish.store import CACHE_PATTERN, EMITTED, cache_key, failure_key, readable

# A report's id among the symbols that the view is grouped by; no symbol begins like this.
_BY_ID = "id "

Known = tuple[datetime, dict[str, Any]]


class MiroFishSimConfig(SourceConfig):
    """From what age on a simulation is called stale."""

    max_age_hours: float = Field(48.0, gt=0)


class MiroFishSimSource(BaseSource):
    """Data is the outcome of a simulation as a mapping, see docs/mirofish.md.

    A target with a `report_id` gets that report's; else its `ticker` or `symbol` counts. Gaps: `no_mirofish_sim`;
    `stale_mirofish_sim`, which comes with the data; `failed_mirofish_sim`, when the last attempt failed, with the data
    of an earlier one if there is any.
    """

    name = "mirofish_sim"
    Config = MiroFishSimConfig
    config: MiroFishSimConfig
    untrusted = True

    def __init__(self, redis: Redis, config: MiroFishSimConfig) -> None:
        super().__init__(redis, config)
        self.view: StreamView[Known] = StreamView(redis, EMITTED, _rows, unique=False)

    @classmethod
    def freshness_spec(cls, config: Any) -> KeyFreshness:
        """The number of cached outcomes and the age of the last result."""
        return KeyFreshness(CACHE_PATTERN, EMITTED)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The newest outcome known at `query.as_of`. Two round trips."""
        report_id = query.target.get("report_id")
        symbol = str(query.target.get("ticker") or query.target.get("symbol") or "")
        key = f"{_BY_ID}{report_id}" if report_id else symbol.upper()
        found = await self.view.latest(key, query.as_of.timestamp(), 1)
        kept = await self.redis.get(cache_key(str(report_id)) if report_id else failure_key(symbol))
        failed = _failed_at(readable(kept), query.as_of)
        if not found:
            return SourceResult(
                None, gaps=("no_mirofish_sim", "failed_mirofish_sim") if failed else ("no_mirofish_sim",)
            )
        as_of, outcome = found[0]
        gaps = ["stale_mirofish_sim"] if query.as_of - as_of > timedelta(hours=self.config.max_age_hours) else []
        gaps += ["failed_mirofish_sim"] if failed and failed > as_of else []
        encoded = to_json(outcome)
        return SourceResult(from_json(encoded), as_of, tuple(gaps), len(encoded))


def _rows(payload: dict[str, Any]) -> Iterable[tuple[str, float, Known]]:
    outcome = readable(to_json(payload))
    if outcome is None or not isinstance(outcome.get("prob_up"), float | int):
        raise BadEntryError("the entry is no outcome of a simulation")
    as_of = parse_time(outcome["as_of"])
    for key in (str(outcome["symbol"]).upper(), f"{_BY_ID}{outcome['report_id']}"):
        yield key, as_of.timestamp(), (as_of, outcome)


def _failed_at(outcome: dict[str, Any] | None, as_of: datetime) -> datetime | None:
    """When it failed, if that was known at the moment."""
    if outcome is None or outcome["status"] != "failed":
        return None
    failed = parse_time(outcome["as_of"])
    return failed if failed <= as_of else None
