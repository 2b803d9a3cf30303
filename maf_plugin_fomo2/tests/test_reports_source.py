"""Reports of a symbol, or one by its id, as of any moment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from maf_core import SourceQuery, publish
from maf_core.sources.reports import parse_report
from maf_plugin_fomo2.config import ReportsConfig
from maf_plugin_fomo2.reports_source import ReportsSource

from .conftest import NOON

STREAM = "fomo2:reports"


def about(as_of=NOON, **target) -> SourceQuery:
    return SourceQuery(target or {"ticker": "AAPL"}, as_of)


@pytest.fixture
def source(redis):
    return lambda **config: ReportsSource(redis, ReportsConfig(**config))


async def test_a_report_is_known_to_each_symbol_it_names_and_to_no_other(redis, source, report):
    await publish(redis, STREAM, report(symbols=["AAPL", "msft"]))
    for ticker in ("AAPL", "MSFT"):
        answer = await source().fetch(about(ticker=ticker))
        assert [row["id"] for row in answer.data] == ["r-1"]
        assert answer.as_of == NOON
    assert (await source().fetch(about(ticker="IBM"))).gaps == ("no_fomo2_reports",)


async def test_one_report_is_found_by_its_id(redis, source, report):
    for number in range(5):
        await publish(redis, STREAM, report(report_id=f"r-{number}", symbols=[], title=f"Number {number}"))
    answer = await source().fetch(about(report_id="r-3"))
    assert [row["title"] for row in answer.data] == ["Number 3"]
    assert (await source().fetch(about(report_id="r-9"))).data is None
    assert (await source().fetch(about(NOON - timedelta(seconds=1), report_id="r-3"))).data is None


async def test_a_corrected_report_stays_what_it_was_when_it_was_first_told(redis, source, report):
    await publish(redis, STREAM, report())
    await publish(redis, STREAM, report(text="Corrected."))
    (row,) = (await source().fetch(about())).data
    assert row["text"].startswith("Revenue")


async def test_texts_are_cut_and_say_so(redis, source, report):
    await publish(redis, STREAM, report(text="word " * 1000))
    (row,) = (await source(max_chars=100).fetch(about())).data
    assert (len(row["text"]), row["cut"]) == (100, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 7, "headline": "Apple", "body": "Long.", "tickers": "aapl, MSFT", "published_at": NOON.timestamp()},
        {"id": "7", "subject": "Apple", "symbol": "AAPL", "ts": NOON.isoformat()},
        {"uid": "7", "content": "Apple", "symbols": '["AAPL"]', "timestamp": "2024-03-01T12:00:00Z"},
    ],
)
def test_reports_under_their_usual_names(fields):
    report = parse_report(fields)
    assert (report.id, report.title, report.as_of) == ("7", "Apple", NOON)
    assert report.symbols[0] == "AAPL"


def test_a_report_without_an_id_has_the_same_one_for_whoever_reads_it(report):
    nameless = report(report_id=None)
    assert parse_report(nameless).id == parse_report(dict(nameless)).id
    assert parse_report(nameless).id != parse_report(nameless | {"title": "Another"}).id


@pytest.mark.parametrize(
    "wrong",
    [
        {"created_at": None},
        {"created_at": "yesterday"},
        {"title": "", "text": ""},
        {"symbols": [1]},
        {"symbols": "[broken"},
        {"title": {"deep": 1}},
        {"sentiment": 3},
        {"sentiment": "good"},
        {"sentiment": "nan"},
    ],
)
async def test_a_bad_report_is_skipped_and_counted(redis, source, report, wrong):
    await publish(redis, STREAM, report(**wrong))
    await publish(redis, STREAM, report(report_id="good"))
    reader = source()
    assert [row["id"] for row in (await reader.fetch(about())).data] == ["good"]
    assert reader.view.bad_entries == 1


def test_the_skeleton_imports_nothing_heavy():
    plugin = Path(__file__).parents[1] / "src/maf_plugin_fomo2/plugin.py"
    assert "httpx" not in plugin.read_text()
