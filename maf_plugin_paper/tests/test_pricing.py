"""Price, quantity and costs of a fill."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import Bar
from maf_plugin_paper.config import PaperSettings
from maf_plugin_paper.pricing import purchase, sale

MOMENT = datetime(2012, 6, 1, tzinfo=UTC)
money = st.floats(0.01, 1e7)


def bar_of(o: float, h: float, low: float) -> Bar:
    return Bar("AAPL", "1d", MOMENT, o, h, low, o, 0.0, MOMENT)


@st.composite
def bars(draw) -> Bar:
    low, opened, high = sorted(draw(st.lists(st.floats(0.01, 1e5), min_size=3, max_size=3)))
    return bar_of(opened, high, low)


@st.composite
def costs(draw) -> PaperSettings:
    bps = st.floats(0, 1000)
    return PaperSettings(slippage_bps=draw(bps), fee_bps=draw(bps), min_fee=draw(st.sampled_from([0.0, 0.355, 5.0])))


def test_a_purchase_by_hand():
    fill = purchase(bar_of(100.0, 101.0, 99.0), 10_000.0, 100_000.0, PaperSettings())
    assert fill is not None
    assert fill.price == pytest.approx(100.02)
    assert fill.quantity == pytest.approx(99.980003, abs=1e-6)
    assert (fill.value, fill.fee, fill.slippage) == (10_000.0, 1.0, 2.0)


def test_a_sale_by_hand():
    fill = sale(bar_of(100.0, 101.0, 99.0), 50.0, PaperSettings(min_fee=1.5))
    assert fill.price == pytest.approx(99.98)
    assert (fill.value, fill.fee, fill.slippage) == (4_999.0, 1.5, 1.0)


def test_slippage_ends_at_the_range_of_the_bar():
    rough = PaperSettings(slippage_bps=500)
    bought = purchase(bar_of(100.0, 101.0, 99.0), 1_000.0, 1_000.0, rough)
    assert bought is not None
    assert bought.price == 101.0
    assert sale(bar_of(100.0, 101.0, 99.0), 1.0, rough).price == 99.0


def test_what_cash_cannot_pay_for_is_not_bought():
    bar = bar_of(100.0, 101.0, 99.0)
    assert purchase(bar, 1_000.0, 0.0, PaperSettings()) is None
    assert purchase(bar, 1_000.0, 4.0, PaperSettings(min_fee=5.0)) is None
    assert purchase(bar, 0.0, 1_000.0, PaperSettings()) is None


@given(bars(), money, money, costs())
def test_purchases_stay_within_cash_budget_and_range_and_cost_something(bar, budget, cash, costs):
    fill = purchase(bar, budget, cash, costs)
    if fill is None:
        return
    assert bar.o <= fill.price <= bar.h
    assert fill.value + fill.fee <= cash + 1e-9
    assert fill.value <= budget + 0.01
    assert fill.value >= fill.quantity * bar.o * (1 - 1e-9) - 1e-6
    assert fill.fee >= max(costs.min_fee, fill.value * costs.fee_bps / 10_000) - 1e-6
    assert fill.slippage >= 0


@given(bars(), st.floats(1e-6, 1e6), costs())
def test_sales_stay_within_range_cost_something_and_leave_no_debt(bar, quantity, costs):
    fill = sale(bar, quantity, costs)
    assert bar.l <= fill.price <= bar.o
    assert fill.value <= quantity * bar.o * (1 + 1e-9) + 1e-6
    assert 0 <= fill.fee <= fill.value
    assert fill.fee >= min(fill.value, costs.min_fee, fill.value * costs.fee_bps / 10_000) - 1e-6
    assert fill.slippage >= 0
