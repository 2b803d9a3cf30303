"""`maf crowd sample`: what stands out in bars becomes a report that says so, once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from maf_core import parse_bar, publish
from maf_core.streams import codec
from maf_core.streams.raw import entries
from maf_plugin_crowd.cli import cli
from maf_plugin_crowd.occasions import occasions, strongest
from maf_plugin_crowd.questions import READERS
from maf_plugin_crowd.sample import committed

START = datetime(2024, 1, 2, 5, tzinfo=UTC)


def bars(*days, symbol="AAPL"):
    """Bars of (open, close, volume) on consecutive days."""
    return [
        parse_bar(
            {
                "symbol": symbol,
                "t": (START + timedelta(days=number)).isoformat(),
                "o": o,
                "c": c,
                "h": max(o, c) + 1,
                "l": min(o, c) - 1,
                "v": v,
            },
            "1d",
        )
        for number, (o, c, v) in enumerate(days)
    ]


CALM = (100, 100, 1000)


@pytest.mark.parametrize(
    ("day", "kind", "says"),
    [
        ((100, 94, 1000), "drop", "drops 6.0%"),
        ((104, 104, 1000), "gap", "gap up of 4.0%"),
        ((96, 97, 1000), "gap", "gap down of 4.0%"),
        ((100, 100, 5000), "volume", "5.0 times the usual"),
    ],
)
def test_what_stands_out_is_told(day, kind, says):
    (found,) = occasions(bars(CALM, CALM, CALM, day))
    assert (found.kind, says in found.title) == (kind, True)
    report = READERS["fomo2_report"](found.report())
    assert (report.as_of, report.facts["symbol"]) == (found.bar.as_of, "AAPL")


def test_a_calm_share_is_not_worth_a_report():
    assert list(occasions(bars(*[CALM] * 30))) == []
    assert list(occasions(bars(CALM))) == []


def test_the_strongest_of_all_shares_in_order_of_time():
    wild = bars(CALM, (100, 80, 1000), CALM, (100, 95, 1000))
    mild = bars(CALM, CALM, (100, 94, 1000), symbol="IBM")
    found = strongest({"IBM": mild, "AAPL": wild}, 2)
    assert [one.bar.symbol for one in found] == ["AAPL", "AAPL"]
    assert found[0].bar.as_of < found[1].bar.as_of


@pytest.mark.parametrize("source_type", committed())
def test_the_committed_questions_can_be_read(source_type):
    read = [READERS[source_type](entry) for entry in committed()[source_type]]
    assert len({one.source_id for one in read}) == len(read) == 4
    assert all(len(one.facts["history"]) == 60 for one in read)


async def test_they_stand_on_the_streams_once_however_often_it_is_run(redis, redis_url):
    for bar in bars(CALM, CALM, (100, 90, 1000), (90, 80, 1000)):
        await publish(redis, "trtools2:bars:1d", bar.payload())
    await publish(redis, "trtools2:bars:1d", {"symbol": "broken"})
    words = ["sample", "--redis", redis_url, "--to", "2024-01-04"]
    for _ in range(2):
        done = await asyncio.to_thread(CliRunner().invoke, cli, words)
        assert done.output == "1 × fomo2_report, 4 × polymarket_bet, 4 × oddsoddy_strategy\n"
    ((_, fields),) = entries(await redis.xrange("fomo2:reports"))
    assert codec.decode(fields)["report_id"] == "bars-AAPL-2024-01-04-drop"
    assert (await redis.xlen("polymarket:bets"), await redis.xlen("oddsoddy:strategies")) == (4, 4)
