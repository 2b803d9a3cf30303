import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from maf_core.testing import wait_until

STREAM = "trtools2:bars:1d"


def test_the_sample_plays_whole_and_says_so_in_json(maf, server):
    done = maf("--sample", "--json")
    summary = json.loads(done.out)
    assert done.code == 0
    assert done.err == ""
    assert summary.pop("seconds") < 30
    assert summary == {
        "bars_in": 12_154,
        "bars_rejected": 0,
        "rejected_by_reason": {},
        "out_of_order": 0,
        "gaps": 0,
        "symbols": ["AAPL", "FB", "GOOG", "IBM", "MSFT"],
        "from": "2000-03-01T21:00:00+00:00",
        "to": "2013-03-01T21:00:00+00:00",
        "stream": STREAM,
    }
    assert server.xlen(STREAM) == 12_154
    assert not server.exists("maf:clock")


def test_symbols_and_days_pick_what_is_played(maf, server):
    done = maf("--sample", "--symbols", "ibm, FB", "--from", "2012-05-17", "--to", "2012-05-18", "--speed", "lockstep")
    assert done.code == 0
    played = [json.loads(fields[b"data"]) for _, fields in server.xrange(STREAM)]
    assert [(bar["symbol"], bar["t"][:10]) for bar in played] == [
        ("IBM", "2012-05-17"),
        ("FB", "2012-05-18"),
        ("IBM", "2012-05-18"),
    ]
    assert "Played 3 of 3 bars onto trtools2:bars:1d" in done.out
    assert "Nothing listens" in done.err


def test_what_is_wrong_with_a_file_is_told_and_the_rest_plays(maf, csv_file, server):
    bad = [f"A,2020-01-{day:02},10,8,9,10,100,10" for day in range(10, 17)]
    path = csv_file("A 2020-01-03", "A 2020-01-02", "A 2020-01-06", *bad, "B 2020-01-02", "B 2020-01-06")
    done = maf(path, "--json")
    summary = json.loads(done.out)
    assert done.code == 0
    assert (summary["bars_in"], summary["bars_rejected"], summary["out_of_order"], summary["gaps"]) == (5, 7, 1, 1)
    assert summary["rejected_by_reason"] == {"high … is below low …": 7}
    assert f"rejected {path}:5: high 8 is below low 9" in done.err
    assert "rejected 2 more" in done.err
    assert "gaps of B: 1 (2020-01-03)" in done.err
    assert "put in order: 1 " in done.err
    about_b = json.loads(maf(path, "--symbols", "B", "--from", "2020-01-06", "--json").out)
    assert (about_b["bars_rejected"], about_b["out_of_order"], about_b["gaps"]) == (0, 0, 0)


def test_unadjusted_prices_and_other_timeframes(maf, csv_file, server):
    path = csv_file("A,2020-01-02T14:30:00Z,1,2,1,2,5", header="symbol,t,o,h,l,c,v")
    done = maf(path, "--timeframe", "1H")
    assert "has no adj_close column: its prices are played as they are" in done.err
    bar = json.loads(server.xrange("trtools2:bars:1h")[0][1][b"data"])
    assert (bar["tf"], bar["as_of"]) == ("1h", "2020-01-02T15:30:00+00:00")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name the files to play, or --sample"),
        (["--sample", "x.csv"], "one of the two"),
        (["--sample", "--timeframe", "1h"], "The sample holds daily bars"),
        (["--sample", "--timeframe", "daily"], "'daily' is no timeframe"),
        (["--sample", "--symbols", "GOOGL"], "Did you mean 'GOOG'? There are: AAPL, FB, GOOG, IBM, MSFT."),
        (["--sample", "--from", "2012-02-01", "--to", "2012-01-01"], "--from 2012-02-01 is after --to 2012-01-01"),
        (["--sample", "--from", "2014-01-01"], "The bars go from 2000-03-01 to 2013-03-01"),
        (["--sample", "--from", "yesterday"], "'yesterday' does not match the format"),
        (["--sample", "--speed", "fast"], "'fast' is no speed"),
        (["--sample", "--speed", "0"], "'0' is no speed"),
        (["--sample", "--speed", "nan"], "'nan' is no speed"),
        (["nowhere.csv"], "There is no file nowhere.csv"),
        (["nowhere.parquet"], "There is no file nowhere.parquet"),
        (["bars.txt"], "bars.txt is neither CSV nor Parquet"),
    ],
)
def test_a_wrong_wish_ends_with_2_and_a_sentence(maf, server, words, sentence):
    done = maf(*words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert not server.exists(STREAM)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("bars.csv", b"", "is empty"),
        (
            "bars.csv",
            b"ticker,date,open,high,low,volume\n",
            "has no column 'close'. Its columns are: ticker, date, open,",
        ),
        ("bars.csv", b"ticker,date,open,high,low,close,volume\n", "hold no bar to play. Rejected: nothing"),
        ("bars.csv", b"\xff\xfe\x00", "Save it as CSV in UTF-8"),
        ("bars.csv.gz", b"no gzip", "cannot be read: Not a gzipped file"),
        ("bars.parquet", b"no parquet", "is no readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_2_and_its_name(maf, tmp_path: Path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    done = maf(path)
    assert done.code == 2
    assert str(path) in done.err or "The files" in done.err
    assert sentence in done.err


def test_a_cut_off_archive_is_refused_before_anything_is_played(maf, server, tmp_path: Path):
    import maf_plugin_trtools2

    whole = Path(maf_plugin_trtools2.__file__).with_name("data") / "bars_1d.csv.gz"
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(whole.read_bytes()[:5000])
    done = maf(path)
    assert (done.code, "cut.csv.gz cannot be read" in done.err) == (2, True)
    assert not server.exists(STREAM)


def test_parquet_without_pyarrow_says_how_to_get_it(maf, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = maf(tmp_path / "bars.parquet")
    assert done.code == 2
    assert "pip install 'maf-plugin-trtools2[parquet]'" in done.err


def test_a_failing_server_ends_with_1_and_says_where_to_go_on(maf, csv_file, server):
    server.set(STREAM, "not a stream")
    done = maf(csv_file("A 2020-01-02"))
    assert (done.code, done.out) == (1, "")
    assert "WRONGTYPE" in done.err
    assert "--from 2020-01-02" in done.err
    assert not server.exists("maf:clock")


def test_no_server_ends_with_1(maf):
    done = maf("--sample", redis="redis://127.0.0.1:1")
    assert done.code == 1
    assert "No Redis answers at redis://127.0.0.1:1" in done.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(redis, redis_url, number):
    words = ["-m", "maf_core", "trtools2", "replay", "--sample", "--speed", "0.01", "--json", "--redis", redis_url]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    await wait_until(lambda: redis.exists(STREAM), timeout_s=20)
    assert await redis.exists("maf:clock")
    child.send_signal(number)
    out, err = await child.communicate()
    assert child.returncode == 128 + number
    assert json.loads(out)["bars_in"] == await redis.xlen(STREAM) == 1
    assert b"Traceback" not in err
    assert not await redis.exists("maf:clock")
