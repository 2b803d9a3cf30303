"""The decision about a bet: which side, for how much, or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, floor, isfinite, log
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from maf_plugin_crowd.models import PolymarketSide

_SURE = 1e-6


class PolymarketOptions(BaseModel):
    """What it takes to bet, and how much at most.

    `crowd_weight`: of the crowd's word against the market's, in log-odds. `kelly_fraction`: of what Kelly's formula
    gives. `max_fraction` (of the bankroll) and `max_usd`: of one bet. Prices and spreads are dollars per share, 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bankroll_usd: float = Field(1000.0, gt=0)
    crowd_weight: float = Field(0.3, ge=0, le=1)
    kelly_fraction: float = Field(0.25, gt=0, le=1)
    max_fraction: float = Field(0.05, gt=0, le=1)
    max_usd: float = Field(100.0, gt=0)
    min_edge_bps: int = Field(200, ge=0)
    max_spread: float = Field(0.06, gt=0, lt=1)
    lowest_price: float = Field(0.03, gt=0, lt=0.5)
    most_days: float = Field(180.0, gt=0)


@dataclass(frozen=True, slots=True)
class Quote:
    """One side of a market as it can be had: the best ask and how many shares stand there; `bid` None without one."""

    ask: float
    shares: float
    bid: float | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """A market of two outcomes, as known at a moment. A side without asks is None.

    `fee_rate` and `fee_exponent`: a share bought at p costs rate·(p·(1 - p))^exponent more. `min_shares`: of an order.
    """

    yes: Quote | None
    no: Quote | None
    mid: float
    fee_rate: float = 0.0
    fee_exponent: float = 1.0
    min_shares: float = 5.0
    open: bool = True
    ends_at: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Bet:
    """A side and its edge: probability less cost, per share."""

    side: Literal["YES", "NO"]
    quote: Quote
    probability: float
    cost: float

    @property
    def edge(self) -> float:
        """What a share is worth more than it costs."""
        return self.probability - self.cost


def cost(ask: float, rate: float, exponent: float) -> float:
    """What a share costs that is bought at the ask, the taker's fee included."""
    return ask + float(rate * (ask * (1 - ask)) ** exponent)


def blended(crowd: float, market: float, weight: float) -> float:
    """The probability of YES between crowd and market: the weighted mean of their log-odds."""
    return 1 / (1 + exp(-(weight * _logit(crowd) + (1 - weight) * _logit(market))))


def polymarket_side(
    crowd_yes: float, market: Market, now: datetime, options: PolymarketOptions
) -> tuple[PolymarketSide, str]:
    """Side, edge and size of a bet, and why.

    q = the crowd's P(YES) blended with the market's. The edge of a side is its probability less what a share costs at
    the ask, with the fee: never the mid, at which nobody sells. Kelly's share of the bankroll is (q - cost)/(1 - cost)
    (Kelly, A New Interpretation of Information Rate, Bell System Technical Journal 35, 1956); `kelly_fraction` of it is
    staked, within the caps and what stands at the ask, in whole hundredths of a share.
    """
    refusal = _refusal(market, now, options)
    if refusal:
        return _skip(0, refusal)
    q = blended(crowd_yes, market.mid, options.crowd_weight)
    best = max(_bets(market, q), key=lambda bet: bet.edge)
    bps = round(10_000 * best.edge)
    said = f"{best.side} is worth {best.probability:.3f} and costs {best.cost:.3f}"
    if best.edge <= 0 or bps < options.min_edge_bps:
        return _skip(bps, f"{said}: an edge of {bps} bps is less than {options.min_edge_bps}")
    spread = best.quote.ask - best.quote.bid if best.quote.bid is not None else 1.0
    if spread > options.max_spread + 1e-12:
        return _skip(bps, f"{said}, but its spread of {spread:.3f} is more than {options.max_spread}")
    if not options.lowest_price <= best.quote.ask <= 1 - options.lowest_price:
        return _skip(bps, f"{said}, but its price is outside of {options.lowest_price} to {1 - options.lowest_price}")
    shares = _shares(best, options)
    if shares < market.min_shares:
        return _skip(bps, f"{said}, but {shares:g} shares are less than the market's minimum of {market.min_shares:g}")
    size = floor(shares * best.cost * 100) / 100
    return PolymarketSide(side=best.side, edge_bps=bps, suggested_size_usd=size), f"{best.side}: {said}, edge {bps} bps"


def _bets(market: Market, q: float) -> list[Bet]:
    sides: list[tuple[Literal["YES", "NO"], Quote | None, float]] = [("YES", market.yes, q), ("NO", market.no, 1 - q)]
    return [
        Bet(side, quote, p, cost(quote.ask, market.fee_rate, market.fee_exponent)) for side, quote, p in sides if quote
    ]


def _shares(bet: Bet, options: PolymarketOptions) -> float:
    kelly = bet.edge / (1 - bet.cost) if bet.cost < 1 else 0.0
    stake = min(options.bankroll_usd * min(options.max_fraction, options.kelly_fraction * kelly), options.max_usd)
    return floor(min(stake / bet.cost, bet.quote.shares) * 100) / 100


def _refusal(market: Market, now: datetime, options: PolymarketOptions) -> str:
    """Why nobody can bet here; empty when one can."""
    if market.fault:
        return market.fault
    if not market.open:
        return "the market takes no orders"
    if market.ends_at is not None and market.ends_at <= now:
        return f"the market ended at {market.ends_at.isoformat()}"
    if market.ends_at is not None and market.ends_at - now > timedelta(days=options.most_days):
        return f"the market ends more than {options.most_days:g} days from now"
    quotes = [quote for quote in (market.yes, market.no) if quote]
    if not quotes:
        return "there is no book to buy from"
    prices = [quote.ask for quote in quotes] + [market.mid]
    if not all(isfinite(price) and 0 < price < 1 for price in prices):
        return "a price is not within 0 to 1"
    if market.yes and market.no and market.yes.ask + market.no.ask < 1 - options.max_spread:
        return f"the asks sum to {market.yes.ask + market.no.ask:.3f}: one of the books is stale"
    return ""


def _skip(bps: int, reason: str) -> tuple[PolymarketSide, str]:
    return PolymarketSide(side="SKIP", edge_bps=bps, suggested_size_usd=0.0), f"SKIP: {reason}"


def no_side(reason: str) -> tuple[PolymarketSide, str]:
    """The decision when there is no crowd or no market to ask."""
    return _skip(0, reason)


def _logit(p: float) -> float:
    held = min(max(p, _SURE), 1 - _SURE)
    return log(held / (1 - held))
