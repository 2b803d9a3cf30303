"""Trying a rule on samples: what it says, what it saw, and what it would send."""

from __future__ import annotations

import pytest

from maf_core.errors import ExpressionError
from maf_core.plane.trying import Says, Tried, trial

WHEN = "payload.price > 100 and payload.symbol in ['AAPL', 'MSFT']"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"price": 187, "symbol": "AAPL"},
            Tried(Says.TRUE, "", {"payload.price": 187, "payload.symbol": "AAPL"}, "US:AAPL"),
        ),
        ({"price": 90, "symbol": "IBM"}, Tried(Says.NOT_TRUE, "", {"payload.price": 90, "payload.symbol": "IBM"})),
        ({"price": 187}, Tried(Says.DOES_NOT_APPLY, "there is no payload.symbol", {"payload.price": 187})),
        ({"price": 90}, Tried(Says.NOT_TRUE, "", {"payload.price": 90})),
        (
            {"price": "187"},
            Tried(
                Says.DOES_NOT_APPLY,
                "payload.price > 100: > cannot compare text with a number",
                {"payload.price": "187"},
            ),
        ),
        ({}, Tried(Says.DOES_NOT_APPLY, "there is no payload.price")),
    ],
)
def test_what_a_rule_says_of_a_sample(payload, expected):
    assert trial(WHEN, "US:{payload.symbol}")(payload) == expected


def test_a_target_that_cannot_be_filled_sends_nothing():
    tried = trial("payload.price > 100", "{payload.symbol}")({"price": 187})
    assert (tried.says, tried.target, tried.fires) == (Says.TRUE, None, False)
    assert "there is no payload.symbol" in tried.target_fault
    assert trial("payload.price > 100")({"price": 187}).fires


@pytest.mark.parametrize(("when", "target", "column"), [("price > 1", None, 1), ("True", "x/{payload.}", 12)])
def test_a_wrong_rule_or_template_is_refused_with_the_place(when, target, column):
    with pytest.raises(ExpressionError) as caught:
        trial(when, target)
    assert caught.value.column == column
