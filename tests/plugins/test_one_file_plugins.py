"""The one-file plugins in `plugins/`, on real files and a real web server."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maf_core import SourceQuery
from maf_core.errors import ConfigError, SourceError
from maf_core.plugins import PluginManager, Selection, discover
from maf_core.sources.freshness import probe
from maf_core.testing import SourceConformance

FOLDER = Path(__file__).parents[2] / "plugins"
HEADER = "date,symbol,open,high,low,close,volume\n"
BARS = HEADER + "2024-01-02,AAPL,10,12,9,11,100\n2024-01-04,aapl,12,14,11,13,120\n2024-01-03,AAPL,11,13,10,12,110\n"
CLOSE = datetime(2024, 1, 2, 21, tzinfo=UTC)  # 16:00 in New York on the day of the first bar
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>News</title>
<item><title>AAPL rises &amp; shines</title><media:title>another</media:title><link>https://example.com/1</link>
  <description><![CDATA[A <b>good</b> day]]></description><pubDate>Tue, 02 Jan 2024 07:00:00 -0500</pubDate></item>
<item><title>Of MSFT only</title><pubDate>Tue, 02 Jan 2024 12:00:00 GMT</pubDate></item>
<item><title>AAPL falls</title><pubDate>Wed, 03 Jan 2024 12:00:00 GMT</pubDate></item>
<item><title>AAPL, some day</title><pubDate>soon</pubDate></item>
<item><title>AAPL without a date</title></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
<entry><title>AAPL corrected</title><link href="https://example.com/2"/><summary>Later</summary>
  <published>2024-01-02T10:00:00Z</published><updated>2024-01-03T10:00:00Z</updated></entry>
<entry><title>AAPL plain</title><link href="https://example.com/3"/><updated>2024-01-02T10:00:00Z</updated></entry>
</feed>"""
BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>'
)


@pytest.fixture
def source(make_context):
    """A source of the folder, bound with this configuration."""
    manager = PluginManager.load(Selection(), [one for one in discover(FOLDER) if one.path])
    return lambda name, **config: make_context(plugins=manager).sources.get(name, config)


@pytest.fixture
def ask(source, tmp_path: Path):
    """Write `text` to a file and ask a source that reads it what it knew of AAPL at a moment."""

    async def answer(name: str, text: str | bytes, as_of: datetime, **config):
        file = tmp_path / "file"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        where = {"path": file} if name == "csv_bars" else {"feed": str(file)}
        return await source(name, **where, **config).fetch(SourceQuery({"ticker": "AAPL"}, as_of))

    return answer


@pytest.mark.parametrize("name", ["csv_bars", "rss_news"])
def test_each_keeps_the_rules_for_plugins(maf, name: str):
    checked = maf("--plugins-dir", str(FOLDER), "plugins", "check", name)
    assert checked.returncode == 0, checked.stdout


def test_the_folder_loads_and_every_file_is_short(maf):
    done = maf("--plugins-dir", str(FOLDER), "plugins", "list", "--check", "--json")
    assert done.returncode == 0, done.stderr
    given = {
        row["name"]: row["contributions"] for row in json.loads(done.stdout) if row["distribution"].endswith(".py")
    }
    assert given == {"csv_bars": {"sources": ["csv_bars"]}, "rss_news": {"sources": ["rss_news"]}}
    assert all(len(path.read_text().splitlines()) < 100 for path in FOLDER.glob("*.py"))


async def test_bars_come_oldest_first_and_as_of_the_close_of_the_newest(ask):
    found = await ask("csv_bars", BARS, CLOSE + timedelta(days=1))
    assert [(row["t"][:10], row["c"]) for row in found.data] == [("2024-01-02", 11.0), ("2024-01-03", 12.0)]
    assert (found.as_of, found.gaps) == (CLOSE + timedelta(days=1), ())
    assert set(found.data[0]) == set("tohlcv")


async def test_the_lookback_counts_back_from_the_newest_bar(ask):
    found = await ask("csv_bars", BARS, CLOSE + timedelta(days=9), lookback=1, max_age_days=30)
    assert [row["c"] for row in found.data] == [13.0]


@pytest.mark.parametrize(
    ("text", "as_of", "gap"),
    [
        (BARS, CLOSE - timedelta(seconds=1), "no_csv_bars"),
        (BARS.replace("AAPL", "MSFT").replace("aapl", "MSFT"), CLOSE, "no_csv_bars"),
        (HEADER, CLOSE, "no_csv_bars"),
        ("when,what\n1,2\n", CLOSE, "parse_fail_csv_bars"),
        ("", CLOSE, "no_csv_bars"),
    ],
)
async def test_no_bars_are_a_gap(ask, text, as_of, gap):
    found = await ask("csv_bars", text, as_of)
    assert (found.data, found.gaps) == (None, (gap,))


async def test_old_bars_are_marked_stale(ask):
    found = await ask("csv_bars", BARS, CLOSE + timedelta(days=30))
    assert len(found.data) == 3
    assert found.gaps == ("stale_csv_bars",)


@pytest.mark.parametrize(
    "row", ["2024-01-02,AAPL,1,1,1,much,1", "someday,AAPL,1,1,1,1,1", "2024-01-02,AAPL", "2024,,,,"]
)
async def test_a_broken_row_is_left_out_and_the_rest_counts(ask, row):
    found = await ask("csv_bars", f"{BARS}{row}\n", CLOSE)
    assert [bar["c"] for bar in found.data] == [11.0]


async def test_a_file_that_changes_is_read_again(source, tmp_path: Path):
    file = tmp_path / "bars.csv"
    bars = source("csv_bars", path=file, max_age_days=30)
    query = SourceQuery({"ticker": "AAPL"}, CLOSE + timedelta(days=9))
    for text, expected in ((HEADER + "2024-01-02,AAPL,10,12,9,11,100\n", 1), (BARS, 3)):
        file.write_text(text)
        assert len((await bars.fetch(query)).data) == expected


@pytest.mark.parametrize("name", ["csv_bars", "rss_news"])
async def test_a_file_that_is_not_there_is_a_sentence_and_nothing_on_the_server(source, redis, name, tmp_path):
    config = {"path" if name == "csv_bars" else "feed": str(tmp_path / "nothing")}
    with pytest.raises(SourceError, match=f"nothing cannot be read: .* of {name} right"):
        await source(name, **config).fetch(SourceQuery({"ticker": "AAPL"}, NOON))
    spec = source(name, **config).freshness_spec(source(name, **config).config)
    assert (await probe(redis, spec)).kind == "external"


@pytest.mark.parametrize(("name", "config"), [("csv_bars", {}), ("rss_news", {}), ("rss_news", {"fead": "x"})])
def test_a_wrong_binding_is_a_sentence(source, name, config):
    with pytest.raises(ConfigError, match=name):
        source(name, **config)


async def test_rss_items_that_name_the_symbol_count_from_their_date(ask):
    found = await ask("rss_news", RSS, NOON)
    url, at = "https://example.com/1", "2024-01-02T12:00:00+00:00"
    row = {"headline": "AAPL rises & shines", "summary": "A <b>good</b> day", "url": url, "created_at": at}
    assert (found.data, found.as_of, found.gaps) == ([row], NOON, ())


async def test_rss_items_outside_of_the_window_do_not_count(ask):
    later = await ask("rss_news", RSS, NOON + timedelta(days=2), window_hours=25)
    assert [row["headline"] for row in later.data] == ["AAPL falls"]
    assert (await ask("rss_news", RSS, NOON - timedelta(seconds=1))).gaps == ("no_rss_news",)


async def test_an_atom_entry_counts_from_when_it_was_last_changed(ask):
    before = await ask("rss_news", ATOM, NOON)
    assert [(row["headline"], row["url"]) for row in before.data] == [("AAPL plain", "https://example.com/3")]
    after = await ask("rss_news", ATOM, NOON + timedelta(days=1))
    assert [row["headline"] for row in after.data] == ["AAPL plain", "AAPL corrected"]


@pytest.mark.parametrize("text", ["", "no xml", "<rss><channel>", BOMB, BOMB.encode("utf-16"), b"\xff\xfe\x00"])
async def test_a_feed_that_cannot_be_trusted_or_read_is_a_gap(ask, text):
    found = await ask("rss_news", text, NOON)
    assert (found.data, found.gaps) == (None, ("parse_fail_rss_news",))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


async def test_a_feed_of_each_symbol_comes_from_the_web(source, tmp_path: Path):
    (tmp_path / "MSFT.xml").write_text(RSS)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        news = source("rss_news", feed=f"http://127.0.0.1:{server.server_port}/{{symbol}}.xml")
        found = await news.fetch(SourceQuery({"ticker": "MSFT"}, NOON))
        with pytest.raises(SourceError, match="404"):
            await news.fetch(SourceQuery({"ticker": "AAPL"}, NOON))
        server.shutdown()
    assert [row["headline"] for row in found.data] == ["AAPL rises & shines", "Of MSFT only"]


class OneFile(SourceConformance):
    """The rules for sources, where one reads the file `feed` instead of streams."""

    @pytest.fixture
    def plugins(self):
        return PluginManager.load(Selection(), [one for one in discover(FOLDER) if one.path])

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "file"
        path.write_text(self.text())
        return path

    @pytest.fixture
    def entries(self):
        """On streams stands nothing."""
        return lambda moment: {}

    @pytest.fixture
    def put(self, file: Path):
        known: list[str] = []

        async def write(moment: datetime) -> None:
            known.append(self.item(moment))
            await asyncio.to_thread(file.write_text, self.text(*known))

        return write


class TestCsvBarsConformance(OneFile):
    name = "csv_bars"
    required_keys = frozenset({"path"})

    @pytest.fixture
    def config(self, file: Path):
        return {"path": file}

    @staticmethod
    def item(moment: datetime) -> str:
        return f"{moment.date()},AAPL,10,12,9,11,100,{moment.isoformat()}\n"

    @staticmethod
    def text(*items: str) -> str:
        return HEADER.replace("volume", "volume,as_of") + "".join(items)


class TestRssNewsConformance(OneFile):
    name = "rss_news"
    required_keys = frozenset({"feed"})

    @pytest.fixture
    def config(self, file: Path):
        return {"feed": str(file)}

    @staticmethod
    def item(moment: datetime) -> str:
        return f"<entry><title>AAPL</title><updated>{moment.isoformat()}</updated></entry>"

    @staticmethod
    def text(*items: str) -> str:
        return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(items)}</feed>'
