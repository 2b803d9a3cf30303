"""Polymarket as a source: every trap of its answers, and every way in which asking fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maf_core import SourceQuery
from maf_core.errors import SourceError
from maf_plugin_crowd.polymarket.config import PolymarketConfig
from maf_plugin_crowd.polymarket.market import market_of
from maf_plugin_crowd.polymarket.source import PolymarketSource
from maf_plugin_crowd.testing import Fault, Polymarket, StandInMarket

NOTHING = ("no_polymarket_market",)


@pytest.fixture
def service():
    with Polymarket() as standing_in:
        yield standing_in


@pytest.fixture
def ask(redis, service):
    """Ask about the market 0xabc as known at a moment, now by default."""
    config = PolymarketConfig(gamma_url=service.url, clob_url=service.url, timeout_s=2.0)
    source = PolymarketSource(redis, config)

    async def fetch(as_of: datetime | None = None, **target):
        return await source.fetch(SourceQuery({"condition_id": "0xabc", **target}, as_of or datetime.now(UTC)))

    return fetch


async def test_the_price_that_can_be_had_is_the_best_whichever_way_the_book_is_sorted(ask, service):
    service.markets = [StandInMarket(yes=(0.47, 0.49), no=(0.5, 0.53))]
    row = (await ask()).data
    assert (row["yes"]["ask"], row["yes"]["bid"], row["no"]["ask"], row["no"]["bid"]) == (0.49, 0.47, 0.53, 0.5)
    assert (row["mid"], row["yes"]["shares"], row["open"], row["fault"]) == (pytest.approx(0.48), 1000, True, "")


async def test_tokens_are_paired_by_the_name_of_the_outcome(ask, service):
    service.markets = [StandInMarket(yes=(0.1, 0.12), no=(0.87, 0.9))]
    assert (await ask()).data["yes"]["ask"] == 0.12
    service.markets = [StandInMarket(outcomes=("Up", "Down"))]
    assert (await ask()).data["fault"] == ""


@pytest.mark.parametrize("outcomes", [("Lakers", "Celtics"), ("Yes", "Maybe")])
async def test_a_market_about_something_else_says_so(ask, service, outcomes):
    service.markets = [StandInMarket(outcomes=outcomes)]
    assert "not YES and NO" in (await ask()).data["fault"]


async def test_a_ghost_book_is_not_believed(ask, service):
    market = StandInMarket(yes=(0.01, 0.99))
    market.quoted[market.tokens[0]] = 0.5
    service.markets = [market]
    assert "the book asks 0.990 and the quoted price is 0.500" in (await ask()).data["fault"]


async def test_fees_are_those_of_the_schedule(ask, service):
    schedule = {"rate": 0.07, "exponent": 1, "takerOnly": True}
    service.markets = [StandInMarket(gamma={"feesEnabled": True, "feeSchedule": schedule})]
    assert (await ask()).data["fee_rate"] == 0.07
    service.markets = [StandInMarket(gamma={"feesEnabled": False, "feeSchedule": schedule})]
    assert (await ask()).data["fee_rate"] == 0


@pytest.mark.parametrize(
    "gamma", [{"closed": True}, {"acceptingOrders": False}, {"archived": True}, {"acceptingOrders": None}]
)
async def test_a_market_that_takes_no_orders_is_not_open(ask, service, gamma):
    service.markets = [StandInMarket(gamma=gamma)]
    assert (await ask()).data["open"] is False


async def test_a_side_without_a_book_is_none(ask, service):
    service.markets = [StandInMarket(yes=None)]
    row = (await ask()).data
    assert (row["yes"], row["mid"]) == (None, pytest.approx(1 - 0.51))
    service.markets = [StandInMarket(yes=None, no=None)]
    row = (await ask()).data
    assert (row["yes"], row["no"], row["mid"]) == (None, None, None)


async def test_the_past_has_a_history_and_no_book(ask, service):
    then = datetime.now(UTC) - timedelta(days=10)
    points = [{"t": int((then + timedelta(hours=hour)).timestamp()), "p": 0.5 + hour / 100} for hour in range(-5, 6)]
    service.markets = [StandInMarket(history=points)]
    answer = await ask(then)
    assert [point["p"] for point in answer.data["history"]] == pytest.approx([0.45, 0.46, 0.47, 0.48, 0.49, 0.5])
    assert (answer.data["yes"], answer.data["open"]) == (None, False)
    assert answer.as_of <= then
    assert not any(path == "/book" for path, _ in service.calls)
    service.markets = [StandInMarket()]
    assert (await ask(then)).gaps == NOTHING


@pytest.mark.parametrize("target", [{"condition_id": ""}, {"condition_id": "unknown"}, {"condition_id": "0xnone"}])
async def test_a_market_that_there_is_not(ask, service, target):
    assert (await ask(**target)).gaps == NOTHING


LENIENT = {
    "Gamma knows nothing": ({}, {"enable_order_book": True}),
    "numbers as text": ({"orderMinSize": "15", "orderPriceMinTickSize": "0.001"}, {}),
    "nulls": ({"endDate": None, "orderMinSize": None, "feeSchedule": None, "question": None}, {}),
    "rubbish": ({"endDate": "soon", "orderMinSize": "many", "feeSchedule": "none", "outcomes": "["}, {}),
}


@pytest.mark.parametrize("name", LENIENT)
async def test_what_is_missing_has_a_default(ask, service, name):
    gamma, clob = LENIENT[name]
    service.markets = [StandInMarket(gamma=gamma, clob=clob)]
    market = market_of((await ask()).data)
    assert market.min_shares == (15 if name == "numbers as text" else 5)
    assert market.yes.ask == 0.5


FAULTS = {
    "an error": Fault(500, b"<html>"),
    "too many": Fault(429, b"{}"),
    "no JSON": Fault(200, b"{broken"),
    "an end": Fault(drop=True),
    "a list": Fault(200, b"[1]"),
}


@pytest.mark.parametrize("path", ["/markets/", "/book", "/price", "/prices-history"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_service_that_fails_is_told(ask, service, path, name):
    service.markets, service.faults = [StandInMarket()], {path: FAULTS[name]}
    with pytest.raises(SourceError, match="http"):
        await ask()


async def test_a_service_that_hangs_is_given_up(redis, service):
    service.faults = {"/": Fault(delay_s=1.0)}
    source = PolymarketSource(redis, PolymarketConfig(gamma_url=service.url, clob_url=service.url, timeout_s=0.1))
    with pytest.raises(SourceError, match="in time"):
        await source.fetch(SourceQuery({"condition_id": "0xabc"}, datetime.now(UTC)))


@pytest.mark.parametrize("row", [None, 7, [], {"yes": {"ask": "x", "shares": 1}}, {"yes": {"bid": 0.5}}, {"mid": {}}])
def test_a_row_that_is_no_market(row):
    assert market_of(row) is None
