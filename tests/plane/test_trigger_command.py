"""`maf trigger test`: a rule on samples of a file, of standard input, or of a stream."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from maf_core import publish

WHEN = "payload.price > 100"
ROWS = [{"symbol": "AAPL", "price": 187.2}, {"symbol": "MSFT", "price": 90}, {"symbol": "IBM"}]


@pytest.fixture
def tried(maf_here, tmp_path):
    """Try a rule on the content of a file."""

    def run(content: str, *more: str, when: str = WHEN, name: str = "samples.json") -> subprocess.CompletedProcess:
        path = tmp_path / name
        path.write_text(content)
        return maf_here("trigger", "test", when, "--sample", str(path), *more)

    return run


def test_a_line_for_each_sample_says_what_and_why(tried):
    done = tried(json.dumps(ROWS), "--target", "US:{payload.symbol}")
    assert done.returncode == 0
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["SAMPLE", "RULE            TARGET   WHY"],
        ["#1", "true            US:AAPL  payload.price = 187.2"],
        ["#2", "not true        -        payload.price = 90"],
        ["#3", "does not apply  -        there is no payload.price"],
        [],
        ["3", "samples; true: 1, not true: 1, does not apply: 1."],
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (json.dumps(ROWS), "a.json"),
        ("\n".join(map(json.dumps, ROWS)), "a.jsonl"),
        ("- {symbol: AAPL, price: 187.2}\n- symbol: MSFT\n  price: 90\n- symbol: IBM\n", "a.yaml"),
    ],
)
def test_json_json_lines_and_yaml_are_read(tried, content, name):
    done = tried(content, "--json", name=name)
    answer = json.loads(done.stdout)
    assert [(each["sample"], each["rule"]) for each in answer["samples"]] == [
        ("#1", "true"), ("#2", "not true"), ("#3", "does not apply"),
    ]  # fmt: skip
    assert answer["fires"] is True


def test_one_object_is_one_sample_and_the_exit_code_says_whether_the_rule_holds(tried):
    assert tried('{"price": 101}').returncode == 0
    assert tried('{"price": 99}').returncode == 1
    assert tried('{"price": 101}', "--target", "{payload.symbol}").returncode == 1, "it could not be sent"


def test_standard_input_is_a_file_too():
    command = [sys.executable, "-m", "maf_core", "trigger", "test", WHEN, "--sample", "-"]
    done = subprocess.run(command, input='{"price": 101}\n{"price": 1}', capture_output=True, text=True, check=False)
    assert (done.returncode, "2 samples; true: 1, not true: 1." in done.stdout) == (0, True)


def test_what_an_entry_brings_cannot_move_the_cursor(tried):
    done = tried(json.dumps({"price": "\x1b[2J\n\r" + "x" * 1000}))
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("when", "target", "shown"),
    [
        ("1 + price > 100", "x", "1 + price > 100\n      ^"),
        ('payload.price in ["A" "B"]', "x", '  payload.price in ["A" "B"]\n                    ^'),
        (WHEN, "{payload.symbol}/{payload.}", "  {payload.symbol}/{payload.}\n                            ^"),
        ("payload.a" + " or payload.a" * 20 + " or b", "x", "r payload.a or b\n" + " " * 62 + "^"),
    ],
)
def test_a_mistake_is_marked_where_it_is(tried, when, target, shown):
    done = tried('{"price": 1}', "--target", target, when=when)
    assert done.returncode == 2
    assert "(column " in done.stderr
    assert shown in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "there is no sample in it"),
        ("[]", "there is no sample in it"),
        ("[1]", "sample 1 is no object"),
        ("just text", "sample 1 is no object"),
        ('{"a": }', "is not JSON: expected value at line 1 column 7"),
        ('{"a": 1}\n{"a":\n', ":2: this line is not JSON"),
        ("a: [1\nb: 2", ":2:2: this is neither JSON nor YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_place(tried, content, words):
    done = tried(content)
    assert done.returncode == 2
    assert "samples.json" in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("more", [(), ("--sample", "x.json", "--stream", "maf:events")])
def test_it_is_either_a_file_or_a_stream(maf_here, more):
    done = maf_here("trigger", "test", WHEN, *more)
    assert (done.returncode, "--sample FILE, or --stream NAME" in done.stderr) == (2, True)


async def test_the_newest_entries_of_a_stream_are_decoded_as_everywhere(maf_here, redis, redis_url):
    await publish(redis, "t:prices", {"price": 1})
    await publish(redis, "t:prices", {"price": 90})
    await redis.xadd("t:prices", {"data": "{"})
    await publish(redis, "t:prices", {"price": 187.2})
    where = ("--redis", redis_url, "--stream", "t:prices")
    done = maf_here("trigger", "test", WHEN, *where, "--last", "3")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    newest = await redis.xrevrange("t:prices", count=3)
    assert [line.split()[0] for line in lines[1:4]] == [entry_id.decode() for entry_id, _ in newest]
    assert [line.split()[1] for line in lines[1:4]] == ["true", "unreadable", "not"]
    assert lines[-1] == "3 samples; true: 1, not true: 1, unreadable: 1."


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ("maf:event", "There is no stream maf:event. Did you mean 'maf:events'?"),
        ("maf:events", "There is no entry on maf:events yet"),
        ("quite:different", "There is no stream quite:different. See what there is: maf channels list"),
    ],
)
async def test_a_stream_without_entries_is_told_with_the_nearest_name(maf_here, redis, redis_url, stream, words):
    done = maf_here("trigger", "test", WHEN, "--redis", redis_url, "--stream", stream)
    assert done.returncode == 2
    assert words in done.stderr
