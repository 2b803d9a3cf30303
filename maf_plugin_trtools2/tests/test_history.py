from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from maf_core import BadEntryError
from maf_plugin_trtools2.moments import opened_at
from maf_plugin_trtools2.reader import read_history
from maf_plugin_trtools2.selection import files_to_play

PLAIN = "ticker,date,open,high,low,close,volume"


def days(history) -> list[tuple[str, str]]:
    return [(bar.symbol, f"{bar.t:%m-%d}") for bar in history.bars]


@pytest.fixture(scope="module")
def sample():
    return read_history(files_to_play([], "1d", sample=True), "1d")


def test_the_sample_is_whole_and_in_order(sample):
    assert len(sample.bars) == 12_154
    assert sample.symbols == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert (sample.rejections, sample.gaps, sample.out_of_order.total()) == ([], {}, 0)
    keys = [(bar.as_of, bar.symbol) for bar in sample.bars]
    assert keys == sorted(keys)


def test_a_split_leaves_no_jump_and_turnover_stays(sample):
    """Apple split two for one: 88.99 on 2005-02-25 as traded, 44.86 on the next day."""
    around = {bar.t.date(): bar for bar in sample.bars if bar.symbol == "AAPL"}
    before, after = around[date(2005, 2, 25)], around[date(2005, 2, 28)]
    assert after.c / before.c == pytest.approx(44.86 * 2 / 88.99, rel=1e-3)
    assert before.c == pytest.approx(5.7182276557615)
    assert before.h / before.c == pytest.approx(89.91 / 88.99)
    assert before.c * before.v == pytest.approx(88.99 * 16_348_400)


def test_a_daily_bar_opens_at_midnight_and_is_known_at_the_close_in_new_york(csv_file):
    bars = read_history([csv_file("A 2020-01-02", "A 2020-07-02")], "1d").bars
    winter, summer = bars
    assert (winter.t, winter.as_of) == (datetime(2020, 1, 2, 5, tzinfo=UTC), datetime(2020, 1, 2, 21, tzinfo=UTC))
    assert (summer.t, summer.as_of) == (datetime(2020, 7, 2, 4, tzinfo=UTC), datetime(2020, 7, 2, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    ("cell", "daily", "opens"),
    [
        ("2020-01-02", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        ("20200102", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        (date(2020, 1, 2), True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        ("2020-01-02 00:00:00", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        ("2020-01-02T00:00:00Z", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        (datetime(2020, 1, 2), True, datetime(2020, 1, 2, 5, tzinfo=UTC)),  # noqa: DTZ001
        ("2020-01-02T05:00:00Z", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        ("2020-01-02T00:00:00-05:00", True, datetime(2020, 1, 2, 5, tzinfo=UTC)),
        ("2020-01-02T00:00:00Z", False, datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-01-02T14:30:00Z", False, datetime(2020, 1, 2, 14, 30, tzinfo=UTC)),
        ("1577975400", False, datetime(2020, 1, 2, 14, 30, tzinfo=UTC)),
    ],
)
def test_when_a_bar_opens(cell, daily, opens):
    assert opened_at(cell, daily=daily) == opens


def test_what_is_no_time_is_refused():
    with pytest.raises(BadEntryError, match="no timestamp"):
        opened_at("soon", daily=True)


def test_files_are_merged_in_order_of_time_and_disorder_within_one_is_counted(csv_file):
    first = csv_file("B 2020-01-06", "B 2020-01-03", "B 2020-01-07", "A 2020-01-03", name="1.csv")
    second = csv_file("A 2020-01-02", "B 2020-01-02", name="2.csv")
    history = read_history([first, second], "1d")
    assert days(history) == [
        ("A", "01-02"),
        ("B", "01-02"),
        ("A", "01-03"),
        ("B", "01-03"),
        ("B", "01-06"),
        ("B", "01-07"),
    ]
    assert history.out_of_order == {"B": 1}


def test_each_bad_row_is_rejected_with_its_place_and_reason_and_the_others_stay(csv_file):
    path = csv_file(
        "A 2020-01-02",
        "A,2020-01-03,10,8,9,10,100,10",
        "A,2020-01-04,10,nan,9,10,100,10",
        "A,2020-01-05,10,12,9,10,100,10,extra",
        "A 2020-01-02",
        'A,2020-01-06,"10,11,9,10,100,10',
        "A,2020-01-07,10,11,9,10,100,-1",
        "A,2020-01-08,10,11,9,10,100,",
        "A,2020-01-09,10,9,12,10,100,10",
        ",2020-01-09,10,11,9,10,100,10",
        "A 2020-01-10",
    )
    history = read_history([path], "1d")
    assert days(history) == [("A", "01-02"), ("A", "01-10")]
    assert [row.place for row in history.rejections] == [f"{path}:{line}" for line in range(3, 12)]
    assert history.rejected_by_reason == {
        "high … is below low …": 2,
        "the row has … values, the header …": 2,
        "high is …, not a finite number": 1,
        "a bar of this symbol and time came before": 1,
        "adj_close … is not a positive price": 1,
        "adj_close … is no number": 1,
        "the bar has an empty symbol": 1,
    }


def test_bytes_that_are_no_text_spoil_their_row_only(csv_file):
    path = csv_file("A 2020-01-02", "A 2020-01-03")
    path.write_bytes(path.read_bytes().replace(b"A,2020-01-02", b"\xff\xfe,2020-01-02") + b"\n\n")
    history = read_history([path], "1d")
    assert days(history) == [("A", "01-03")]
    assert history.rejected_by_reason == {"the row is not UTF-8": 1}


def test_a_gap_is_a_day_on_which_others_have_a_bar(csv_file):
    path = csv_file(
        *(f"A 2020-01-0{day}" for day in (1, 2, 3, 6, 7)),
        *(f"B 2020-01-0{day}" for day in (2, 7)),
        "C 2020-01-03",
    )
    assert read_history([path], "1d").gaps == {"B": [date(2020, 1, 3), date(2020, 1, 6)]}


def test_a_symbol_on_its_own_has_a_gap_after_a_week_without_bars(csv_file):
    path = csv_file("A 2020-01-02", "A 2020-01-09", "A 2020-01-17", "A 2020-01-18")
    assert read_history([path], "1d").gaps == {"A": [date(2020, 1, 9)]}


def test_without_adj_close_prices_stay_as_they_are(csv_file):
    path = csv_file("a,2020-01-02,10,11,9,10.5,100", header=PLAIN)
    history = read_history([path], "1d")
    assert (history.bars[0].symbol, history.bars[0].c, history.bars[0].v) == ("A", 10.5, 100)
    assert history.unadjusted == [path]


@pytest.mark.parametrize(
    "header",
    [
        "symbol,t,o,h,l,c,v,adj_close",
        "S,timestamp,Open,High,Low,Close,Volume,Adj Close",
        "\ufeffticker,ts,open,h,l,c,v,adjclose",
    ],
)
def test_columns_go_by_their_usual_names(csv_file, header):
    usual = read_history([csv_file("A 2020-01-02", name="usual.csv")], "1d")
    assert read_history([csv_file("A 2020-01-02", header=header)], "1d") == usual


def test_parquet_and_csv_give_the_same_bars(sample, tmp_path: Path):
    pytest.importorskip("pyarrow")
    import gzip

    from pyarrow import csv, parquet

    source = files_to_play([], "1d", sample=True)[0]
    with gzip.open(source) as file:
        table = csv.read_csv(file)  # dates become dates, numbers numbers
    parquet.write_table(table, tmp_path / "bars.parquet", row_group_size=5000)
    assert read_history([tmp_path / "bars.parquet"], "1d") == sample
