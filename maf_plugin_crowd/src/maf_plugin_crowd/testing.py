"""A stand-in for Polymarket's public services on a real port, with their traps and their faults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from maf_core.testing.stand_in import Fault, JsonStandIn

__all__ = ["NO_BOOK", "Fault", "Polymarket", "Row", "StandInMarket"]

Row = dict[str, Any]
NO_BOOK = {"error": "No orderbook exists for the requested token id"}


@dataclass
class StandInMarket:
    """One market. `yes`, `no`: (best bid, best ask), None without a book; `quoted`: what /price says, by token."""

    condition_id: str = "0xabc"
    question: str = "Will it rain?"
    outcomes: tuple[str, str] = ("Yes", "No")
    yes: tuple[float, float] | None = (0.48, 0.5)
    no: tuple[float, float] | None = (0.5, 0.52)
    shares: float = 1000.0
    quoted: dict[str, float] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    gamma: Row = field(default_factory=dict)
    clob: Row = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[str, str]:
        """The ids of YES and NO."""
        return f"{self.condition_id}-1", f"{self.condition_id}-2"

    def gamma_row(self) -> Row:
        """As Gamma tells it: three fields hold JSON inside of a string."""
        return {
            "conditionId": self.condition_id,
            "question": self.question,
            "outcomes": json.dumps(self.outcomes),
            "outcomePrices": json.dumps(["0.49", "0.51"]),
            "clobTokenIds": json.dumps(self.tokens[::-1]),  # their order says nothing
            "acceptingOrders": True,
            "closed": False,
            "orderMinSize": 5,
            "orderPriceMinTickSize": 0.01,
            "takerBaseFee": 1000,
            "feesEnabled": False,
            **self.gamma,
        }

    def clob_row(self) -> Row:
        """As the CLOB tells it."""
        named = zip(self.tokens, self.outcomes, strict=True)
        found = [{"token_id": token, "outcome": outcome} for token, outcome in named][::-1]
        return {"condition_id": self.condition_id, "tokens": found, "accepting_orders": True, **self.clob}

    def book(self, token: str) -> tuple[int, Row]:
        """A book, best price last."""
        best = dict(zip(self.tokens, (self.yes, self.no), strict=True)).get(token)
        if best is None:
            return 404, NO_BOOK
        bid, ask = best
        worse = {"asks": [round(ask + 0.2, 4), round(ask + 0.1, 4), ask], "bids": [round(bid - 0.1, 4), bid]}
        sides = {
            side: [{"price": str(price), "size": str(self.shares)} for price in prices]
            for side, prices in worse.items()
        }
        return 200, {"asset_id": token, **sides}

    def price(self, token: str) -> tuple[int, Row]:
        """The quoted best ask."""
        best = dict(zip(self.tokens, (self.yes, self.no), strict=True)).get(token)
        if best is None:
            return 404, NO_BOOK
        return 200, {"price": str(self.quoted.get(token, best[1]))}


class Polymarket(JsonStandIn):
    """The markets; bind a source with `gamma_url` and `clob_url` set to its `url`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.markets: list[StandInMarket] = []

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        """Status and content."""
        if path == "/markets":
            return 200, [one.gamma_row() for one in self.markets if one.condition_id == asked.get("condition_ids")]
        if path.startswith("/markets/"):
            found = next((one for one in self.markets if path.endswith(one.condition_id)), None)
            return (200, found.clob_row()) if found else (404, {"error": "market not found"})
        token = asked.get("token_id") or asked.get("market", "")
        market = next((one for one in self.markets if token in one.tokens), None)
        if market is None:
            return 404, NO_BOOK
        if path == "/prices-history":
            start, end = int(asked["startTs"]), int(asked["endTs"])
            return 200, {"history": [point for point in market.history if start <= point["t"] <= end]}
        return market.book(token) if path == "/book" else market.price(token)
