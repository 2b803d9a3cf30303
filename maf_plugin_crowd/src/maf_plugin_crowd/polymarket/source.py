"""The source `polymarket_market`: what a market thinks, and what it costs to bet there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core import BadEntryError, BaseSource, ExternalFreshness, SourceQuery, SourceResult
from maf_core.clock import parse_time
from maf_plugin_crowd.polymarket.client import PolymarketClient
from maf_plugin_crowd.polymarket.config import PolymarketConfig
from maf_plugin_crowd.polymarket.reading import fees, history, listed, number, quote, tokens

Facts = dict[str, Any]
_FIDELITY_MINUTES = 60


class PolymarketSource(BaseSource):
    """Answers about the target's `condition_id`, see `market_of` for the row; `history` has the prices of YES.

    `fault` says why its prices are not to be believed: the book and the quoted price disagree, or its outcomes are not
    YES and NO. A moment that is past has a history and no book. Gap: `no_polymarket_market`. Raises `SourceError` when
    the service cannot be asked.
    """

    name = "polymarket_market"
    Config = PolymarketConfig
    config: PolymarketConfig

    def __init__(self, redis: Redis, config: PolymarketConfig) -> None:
        super().__init__(redis, config)
        self._client = PolymarketClient(config.timeout_s)

    @classmethod
    def freshness_spec(cls, config: PolymarketConfig) -> ExternalFreshness:
        """Asked at every call."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """Ask about the market, its books and its history."""
        nothing = SourceResult(None, gaps=(f"no_{self.name}",))
        condition_id = str(query.target.get("condition_id") or "")
        if not condition_id.startswith("0x"):
            return nothing
        clob, gamma = await asyncio.gather(
            self._client.mapping(f"{self.config.clob_url}/markets/{condition_id}"), self._gamma(condition_id)
        )
        if not clob and not gamma:
            return nothing
        facts = {"condition_id": condition_id, **_about(clob, gamma)}
        pair = tokens(clob)
        if pair is None:
            facts["fault"] = "its outcomes are not YES and NO"
            return _result(facts, query.as_of)
        past = await self._history(pair[0], query.as_of)
        if not self._is_now(query.as_of):
            if not past:
                return nothing
            facts |= {"history": past, "fault": "of that moment there is no book", "open": False}
            return _result(facts, datetime.fromtimestamp(past[-1]["t"], UTC))
        return _result({**facts, "history": past, **await self._books(*pair)}, query.as_of)

    def _is_now(self, as_of: datetime) -> bool:
        return abs((datetime.now(UTC) - as_of).total_seconds()) <= self.config.max_lead_s

    async def _gamma(self, condition_id: str) -> Mapping[str, Any]:
        found = listed(await self._client.get(f"{self.config.gamma_url}/markets", condition_ids=condition_id))
        return next((row for row in found if isinstance(row, dict) and row.get("conditionId") == condition_id), {})

    async def _history(self, token: str, as_of: datetime) -> list[dict[str, float]]:
        start = as_of - timedelta(days=self.config.history_days)
        asked = {"startTs": int(start.timestamp()), "endTs": int(as_of.timestamp()), "fidelity": _FIDELITY_MINUTES}
        answer = await self._client.mapping(f"{self.config.clob_url}/prices-history", market=token, **asked)
        return history(answer, as_of.timestamp())

    async def _books(self, yes: str, no: str) -> Facts:
        sides = await asyncio.gather(*(self._side(token) for token in (yes, no)))
        (yes_quote, yes_fault), (no_quote, no_fault) = sides
        return {"yes": yes_quote, "no": no_quote, "mid": _mid(yes_quote, no_quote), "fault": yes_fault or no_fault}

    async def _side(self, token: str) -> tuple[Facts | None, str]:
        """The best offer of one token, cross-checked: liquid markets have answered with ghost books."""
        book, price = await asyncio.gather(
            self._client.mapping(f"{self.config.clob_url}/book", token_id=token),
            self._client.mapping(f"{self.config.clob_url}/price", token_id=token, side="SELL"),
        )
        found, stated = quote(book), number(price.get("price"))
        if found is not None and stated is not None and abs(found["ask"] - stated) > self.config.max_disagreement:
            return found, f"the book asks {found['ask']:.3f} and the quoted price is {stated:.3f}"
        return found, ""


def _about(clob: Mapping[str, Any], gamma: Mapping[str, Any]) -> Facts:
    """What does not change from one second to the next."""
    rate, exponent = fees(gamma)
    accepting = gamma.get("acceptingOrders", clob.get("accepting_orders"))
    shut = gamma.get("closed") is True or clob.get("closed") is True or gamma.get("archived") is True
    return {
        "question": str(gamma.get("question") or clob.get("question") or ""),
        "yes": None,
        "no": None,
        "mid": None,
        "fee_rate": rate,
        "fee_exponent": exponent,
        "min_shares": number(gamma.get("orderMinSize")) or number(clob.get("minimum_order_size")) or 5.0,
        "tick": number(gamma.get("orderPriceMinTickSize")) or number(clob.get("minimum_tick_size")) or 0.01,
        "open": accepting is True and not shut,
        "ends_at": _moment(gamma.get("endDate") or clob.get("end_date_iso")),
        "fault": "",
        "history": [],
    }


def _mid(yes: Facts | None, no: Facts | None) -> float | None:
    """The price of YES in the middle of its book, else what the other book implies."""
    if yes is not None and yes["bid"] is not None:
        return float((yes["ask"] + yes["bid"]) / 2)
    if no is not None and no["bid"] is not None:
        return float(1 - (no["ask"] + no["bid"]) / 2)
    return None


def _moment(value: Any) -> str | None:
    try:
        return parse_time(value).isoformat() if value else None
    except BadEntryError:
        return None


def _result(facts: Facts, as_of: datetime) -> SourceResult:
    return SourceResult(facts, as_of, size_bytes=len(to_json(facts)))
