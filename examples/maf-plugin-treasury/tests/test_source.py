"""The source `treasury_yields`, as an arena asks it, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from maf_core import SourceQuery, publish
from maf_core.errors import ConfigError

TUESDAY = {"date": "2024-01-02", "2 Yr": 4.33, "10 Yr": 3.95, "30 Yr": 4.08}
WEDNESDAY = {"date": "2024-01-03", "2 Yr": 4.33, "10 Yr": 3.91, "30 Yr": 4.05}


def evening(day: int) -> datetime:
    """18:00 in New York, in January."""
    return datetime(2024, 1, day, 23, tzinfo=UTC)


@pytest.fixture
def ask(make_context):
    """Ask a source that is bound with this configuration."""

    async def fetch(as_of: datetime, **config):
        source = make_context().sources.get("treasury_yields", config)
        return await source.fetch(SourceQuery({"ticker": "AAPL"}, as_of))

    return fetch


@pytest.fixture
def put(redis):
    async def append(*days: dict) -> None:
        for day in days:
            await publish(redis, "treasury:yields", day)

    return append


async def test_the_curve_of_a_day_with_its_slope(ask, put):
    await put(TUESDAY)
    found = await ask(evening(2))
    assert found.data == [{"date": "2024-01-02", "yields": {"2 Yr": 4.33, "10 Yr": 3.95}, "slope": -0.38}]
    assert (found.as_of, found.gaps) == (evening(2), ())


async def test_the_rates_of_a_day_are_not_known_before_its_evening(ask, put):
    await put(TUESDAY, WEDNESDAY)
    found = await ask(evening(3).replace(hour=22, minute=59))
    assert [row["date"] for row in found.data] == ["2024-01-02"]


async def test_a_correction_counts_from_when_it_was_made(ask, put):
    await put(TUESDAY, {**TUESDAY, "10 Yr": 3.99, "as_of": "2024-01-04T12:00:00Z"}, WEDNESDAY)
    assert [row["slope"] for row in (await ask(evening(3))).data] == [-0.38, -0.42]
    assert [row["slope"] for row in (await ask(evening(4))).data] == [-0.34, -0.42]


async def test_a_day_that_lacks_a_tenor_has_no_slope(ask, put):
    await put({**TUESDAY, "10 Yr": "N/A"})
    assert (await ask(evening(2))).data == [{"date": "2024-01-02", "yields": {"2 Yr": 4.33}, "slope": None}]


async def test_the_lookback_counts_days_not_entries(ask, put):
    await put(TUESDAY, WEDNESDAY, {**WEDNESDAY, "10 Yr": 3.92})
    found = await ask(evening(3), lookback=2, tenors=["30 Yr"])
    assert [row["date"] for row in found.data] == ["2024-01-02", "2024-01-03"]


async def test_nothing_known_is_a_gap_and_old_rates_are_marked(ask, put):
    assert (await ask(evening(2))).gaps == ("no_treasury_yields",)
    await put(TUESDAY)
    assert (await ask(evening(9))).gaps == ("stale_treasury_yields",)


@pytest.mark.parametrize("bad", [{"date": "soon", "2 Yr": 4.0}, {"2 Yr": 4.0}, {"date": "2024-01-03"}])
async def test_an_entry_that_cannot_be_read_is_skipped(ask, put, bad):
    await put(bad, TUESDAY, {**WEDNESDAY, "2 Yr": "high"}, {**WEDNESDAY, "2 Yr": float("nan"), "30 Yr": "inf"})
    assert [row["date"] for row in (await ask(evening(3))).data] == ["2024-01-02"]


async def test_a_tenor_that_does_not_exist_is_refused(ask):
    with pytest.raises(ConfigError, match="no tenor '11 Yr'"):
        await ask(evening(2), tenors=["11 Yr"])
