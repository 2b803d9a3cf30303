"""The trigger rule that this plugin offers, fired by entries as its source reads them."""

from __future__ import annotations

import pytest

from maf_core import publish


@pytest.fixture
def fired(redis, fire_template):
    """Put one payload on the stream; gives the commands that the template sends."""
    return lambda payload: fire_template("fomo2_report", publish(redis, "fomo2:reports", payload))


async def test_a_report_about_one_symbol_sets_an_arena_off(fired, report):
    (command,) = await fired(report())
    assert (command["arena"], command["target"]["ticker"]) == ("triggered", "AAPL")
    assert command["as_of"] == "2024-03-01T12:00:00Z"


@pytest.mark.parametrize("symbols", [[], ["AAPL", "MSFT"], None, "AAPL"])
async def test_other_reports_do_not(fired, report, symbols):
    assert await fired(report(symbols=symbols)) == []
