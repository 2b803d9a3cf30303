"""Which entries of `maf:outcomes:out` tell what came of a decision, and from when on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import BadEntryError, Bar
from maf_core.bars import known_at
from maf_core.memory.outcomes import outcome_of
from maf_plugin_paper.account import Order, Position
from maf_plugin_paper.outcomes import closed, dropped, filled
from maf_plugin_paper.pricing import Fill

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
OPENED = datetime(2024, 1, 2, 5, tzinfo=UTC)


@pytest.fixture
def paper():
    """What the paper broker writes of a position that was bought and sold again."""
    order = Order(
        arena="panel", arena_id="panel-1", correlation_id="c", ticker="AAPL", side="BUY", size_fraction=0.1,
        as_of=OPENED, execution="1-0",
    )  # fmt: skip
    day = OPENED + timedelta(days=7)
    bar = Bar("AAPL", "1d", day, 110.0, 112.0, 108.0, 111.0, 1e6, known_at(day, "1d"))
    fill = Fill(quantity=10.0, price=110.0, value=1100.0, slippage=0.2, fee=0.1)
    position = Position(
        order=order, quantity=10.0, entry_price=100.0, cost=1000.0, opened_at=OPENED, last_price=110.0, marked_at=day
    )
    published = {"published_at": NOW.isoformat()}
    return {
        "close": closed(position, order, bar, fill, 99.9) | published,
        "fill": filled(order, bar, fill) | published,
        "dropped": dropped(order, "already long") | published,
    }


def test_a_close_of_the_paper_broker_is_an_outcome(paper):
    outcome = outcome_of(paper["close"], NOW)
    assert (outcome.return_, outcome.pnl, outcome.known_at) == (0.0999, 99.9, NOW)
    assert outcome.closed_at == OPENED + timedelta(days=7)
    assert outcome.text == "closed on 2024-01-09, return +9.99%, profit and loss +99.90"


@pytest.mark.parametrize("kind", ["fill", "dropped"])
def test_a_fill_and_a_dropped_order_are_none(paper, kind):
    assert outcome_of(paper[kind], NOW) is None


def test_a_dropped_order_is_none_whatever_else_it_says(paper):
    assert outcome_of(paper["dropped"] | {"pnl": 0.0, "return": 0.0}, NOW) is None


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"pnl": -5}, "profit and loss -5.00"),
        ({"return": "0.015"}, "return +1.50%"),
        ({"return": 0, "pnl": None}, "return +0.00%"),
    ],
)
def test_an_engine_may_know_less_than_the_paper_broker(figures, text):
    assert outcome_of({"arena_id": "a", **figures}, NOW).text == text


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        ({}, NOW),
        ({"published_at": "2024-01-09T21:00:00Z"}, datetime(2024, 1, 9, 21, tzinfo=UTC)),
        ({"published_at": "2031-01-01T00:00:00Z"}, NOW),
        ({"as_of": "2024-01-05T21:00:00Z", "published_at": "2031-01-01"}, datetime(2024, 1, 5, 21, tzinfo=UTC)),
        ({"as_of": "2024-01-05T21:00:00Z", "closed_at": "2024-01-06"}, datetime(2024, 1, 6, tzinfo=UTC)),
        ({"closed_at": "2024-01-06"}, NOW),
    ],
    ids=["nothing", "published", "published-in-a-replay", "stated", "never-before-its-close", "close-alone"],
)
def test_when_it_became_known(entry, known):
    assert outcome_of({"pnl": 1} | entry, NOW).known_at == known


@pytest.mark.parametrize(
    "wrong", [{"pnl": "much"}, {"return": [1]}, {"closed_at": "soon"}, {"published_at": "never"}, {"as_of": [1]}]
)
def test_what_cannot_be_read_is_a_bad_entry(wrong):
    with pytest.raises(BadEntryError):
        outcome_of({"pnl": 1.0} | wrong, NOW)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "pnl", "return", "closed_at", "published_at", "as_of"]),
        st.none()
        | st.floats()
        | st.text("0123456789-:.TZeinf ", max_size=30)
        | st.integers()
        | st.lists(st.integers(), max_size=2),
    )
)
def test_whatever_an_entry_says_is_an_outcome_none_or_a_bad_entry(entry):
    try:
        outcome = outcome_of(entry, NOW)
    except BadEntryError:
        return
    assert outcome is None or outcome.return_ is not None or outcome.pnl is not None
