"""Market data asked for over HTTP, and every way in which asking can fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from maf_core import SourceQuery
from maf_plugin_trtools2.api.config import ApiConfig
from maf_plugin_trtools2.api.source import ApiSource
from maf_plugin_trtools2.testing import Fault, TrtoolsApi

CLOSE = datetime(2024, 1, 3, 21, tzinfo=UTC)
NO = ("no_trtools2_api",)
KEYS = ("TT2_API_KEY", "TRTOOLS2_API_KEY", "TRTOOLS2_API_URL")


@pytest.fixture(autouse=True)
def without_settings(monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api():
    with TrtoolsApi() as service:
        yield service


@pytest.fixture
def source(redis, api):
    return lambda **config: ApiSource(redis, ApiConfig(**{"base_url": api.url, "timeout_s": 5.0, **config}))


def bar(day: int, close: float = 10.5) -> dict:
    return {"t": datetime(2024, 1, day, 5, tzinfo=UTC).isoformat(), "o": 10, "h": 11, "l": 9, "c": close, "v": 100}


def ask(as_of: datetime = CLOSE, ticker: str = "AAPL") -> SourceQuery:
    return SourceQuery({"ticker": ticker}, as_of)


SHAPES = {
    "under data": lambda _, rows: {"data": rows},
    "a plain list": lambda _, rows: rows,
    "by symbol, as Alpaca": lambda symbol, rows: {"bars": {symbol: rows}, "next_page_token": None},
    "long names": lambda _, rows: {
        "results": [
            {"timestamp": r["t"], "open": r["o"], "high": r["h"], "low": r["l"], "close": r["c"], "volume": r["v"]}
            for r in rows
        ]
    },
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_complete_bars_of_a_window_oldest_first(source, api, shape):
    api.bars["AAPL"], api.shape = [bar(2), bar(3, 10.8), bar(4)], SHAPES[shape]
    answer = await source().fetch(ask())
    assert [row["c"] for row in answer.data["data"]] == [10.5, 10.8]
    assert (answer.as_of, answer.gaps) == (CLOSE, ())
    assert answer.size_bytes > 0


async def test_a_bar_that_is_not_complete_is_not_known(source, api):
    api.bars["AAPL"] = [bar(2), bar(3)]
    answer = await source().fetch(ask(CLOSE - timedelta(minutes=1)))
    assert [row["t"][:10] for row in answer.data["data"]] == ["2024-01-02"]


async def test_the_newest_of_more_bars_than_are_wanted(source, api):
    api.bars["AAPL"] = [bar(day, 10 + day / 100) for day in (2, 3)]
    answer = await source(lookback=1).fetch(ask())
    assert [row["c"] for row in answer.data["data"]] == [10.03]


async def test_old_bars_are_stale_and_bad_ones_are_told(source, api):
    api.bars["AAPL"] = [bar(2), bar(3) | {"h": -1}]
    answer = await source(max_age_days=0.5).fetch(ask())
    assert len(answer.data["data"]) == 1
    assert answer.gaps == ("parse_fail_trtools2_api", "stale_trtools2_api")


async def test_nothing_known_is_no_data(source, api):
    assert (await source().fetch(ask())).gaps == NO
    assert (await source().fetch(ask())).data is None


async def test_the_last_price_before_the_moment(source, api):
    at = [{"t": (CLOSE + timedelta(seconds=s)).isoformat(), "price": 10 + s, "bp": 9, "ap": 11} for s in (-2, -1, 1)]
    api.snapshots["AAPL"] = at
    answer = await source(what="snapshot").fetch(ask())
    (row,) = answer.data["data"]
    assert (row["price"], row["bid"], row["ask"]) == (9.0, 9.0, 11.0)
    assert answer.as_of == CLOSE - timedelta(seconds=1)
    assert api.calls[-1] == ("/snapshots", {"symbols": "AAPL", "as_of": CLOSE.isoformat()})


@pytest.mark.parametrize("what", ["coverage", "health"])
async def test_what_is_about_now_is_not_told_of_the_past(source, api, what):
    api.coverage["AAPL"] = api.health = [{"status": "ok", "rows": 12}]
    now = datetime.now(UTC)
    answer = await source(what=what).fetch(ask(now))
    assert (answer.data, answer.as_of) == ({"data": [{"status": "ok", "rows": 12}]}, now)
    assert (await source(what=what).fetch(ask(now - timedelta(hours=1)))).gaps == NO


FAULTS = {
    "an error page": (Fault(500, b"<html>Internal Server Error</html>", "text/html"), "answered 500."),
    "an error that says why": (Fault(503, b'{"detail": "warming up"}'), "answered 503: warming up"),
    "too many requests": (Fault(429, b'{"error": "slow down"}'), "answered 429: slow down"),
    "not found": (Fault(404, b""), "answered 404."),
    "elsewhere": (Fault(302, b""), "answered 302."),
    "no JSON": (Fault(200, b"{broken"), "no JSON"),
    "not UTF-8": (Fault(200, b'{"data": "\xff"}'), "no JSON"),
    "other rows": (Fault(200, b'{"data": 7}'), "not with rows"),
    "rows that are none": (Fault(200, b'{"data": [1, 2]}'), "not with rows"),
    "an error with 200": (Fault(200, b'{"data": [], "error": "no such feed"}'), "no such feed"),
    "nothing": (Fault(200, b""), "no JSON"),
    "an end in the middle": (Fault(drop=True), "cannot be asked"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_failure_is_an_answer_that_says_why(source, api, name):
    api.faults[""], says = FAULTS[name]
    answer = await source().fetch(ask())
    assert answer.data["data"] == []
    assert says in answer.data["error"]
    assert answer.gaps == NO


async def test_a_service_that_hangs_is_given_up(source, api):
    api.faults[""] = Fault(delay_s=1.0)
    answer = await source(timeout_s=0.1).fetch(ask())
    assert "did not answer in time" in answer.data["error"]


async def test_a_service_that_is_not_there(redis):
    answer = await ApiSource(redis, ApiConfig(base_url="http://127.0.0.1:9")).fetch(ask())
    assert "Is trtools2's API running?" in answer.data["error"]


@pytest.mark.parametrize("name", ["TT2_API_KEY", "TRTOOLS2_API_KEY"])
async def test_the_key_goes_along_and_is_not_told(source, api, monkeypatch, name):
    api.api_key, api.bars["AAPL"] = "secret-1", [bar(2)]
    assert "Set TT2_API_KEY" in (await source().fetch(ask())).data["error"]
    monkeypatch.setenv(name, "secret-2")
    wrong = (await source().fetch(ask())).data["error"]
    assert "not accepted" in wrong
    assert "secret" not in wrong
    monkeypatch.setenv(name, "secret-1")
    assert (await source().fetch(ask())).data["data"]


async def test_the_address_of_the_environment_unless_the_binding_has_its_own(redis, api, monkeypatch):
    assert ApiConfig().url == "http://localhost:8888/bars"
    monkeypatch.setenv("TRTOOLS2_API_URL", api.url + "/")
    api.bars["AAPL"] = [bar(2)]
    assert (await ApiSource(redis, ApiConfig()).fetch(ask())).data
    assert ApiConfig(base_url="https://x/", path="/v2/bars").url == "https://x/v2/bars"


@pytest.mark.parametrize(
    "wrong", [{"base_url": "localhost:1"}, {"path": "bars"}, {"timeframe": "soon"}, {"what": "all"}]
)
def test_a_binding_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValidationError):
        ApiConfig(**wrong)
