"""`maf channels list`, `preview` and `schema` on a terminal that other people's words cannot command."""

from __future__ import annotations

import json

import pytest

from maf_core import publish

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r\n"


@pytest.fixture
def config_dir(tmp_path):
    """A config folder with an arena that watches a stream."""
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "panel.yaml").write_text(
        "name: panel\n"
        "phases: [{name: decide, agents: [{name: verdict, role: synthesis}]}]\n"
        'triggers: [{id: moved, on_stream: "t:moves", target: "{payload.symbol}"}]\n'
    )
    return tmp_path


@pytest.fixture
def channels(maf_here, redis_url, config_dir):
    """Run `maf channels …` on the test server; gives what it printed."""

    def run(*words: str, code: int = 0) -> str:
        done = maf_here("channels", *words, "--config", str(config_dir), "--redis", redis_url, MAF_PLUGINS="")
        assert done.returncode == code, done.stderr
        assert all(letter.isprintable() or letter == "\n" for letter in done.stdout + done.stderr)
        return done.stdout or done.stderr

    return run


async def test_the_list_with_groups_or_as_json(redis, channels):
    for number in range(4):
        await publish(redis, "t:moves", {"symbol": "AAPL", "n": number})
    await publish(redis, f"t:{HOSTILE}", {"n": 1})
    for group, read in (("fast", 3), ("slow", 1)):
        await redis.xgroup_create("t:moves", group, "0")
        await redis.xreadgroup(group, "c1", {"t:moves": ">"}, count=read)
    (line,) = [line.split() for line in channels("list").splitlines() if line.startswith("t:moves")]
    assert (line[1], line[6:]) == ("4", ["3", "4", "panel"])
    rows = [line.split() for line in channels("list", "--groups").splitlines()[1:]]
    assert [row[:4] for row in rows] == [["t:moves", "fast", "1", "3"], ["t:moves", "slow", "3", "1"]]
    (moves,) = [each for each in json.loads(channels("list", "--json")) if each["stream"] == "t:moves"]
    assert (moves["length"], moves["read_by"], moves["known"]) == (4, ["panel"], True)
    assert {group["group"]: group["lag"] for group in moves["groups"]} == {"fast": 1, "slow": 3}
    assert "found on the server" in channels("list")
    assert "found on the server" not in channels("list", "--known")


async def test_a_lag_that_nobody_knows_is_a_question_mark(redis, channels):
    ids = [await publish(redis, "t:moves", {"n": number}) for number in range(4)]
    await redis.xgroup_create("t:moves", "g", ids[0])
    await redis.xdel("t:moves", ids[2])
    (line,) = [line.split() for line in channels("list").splitlines() if line.startswith("t:moves")]
    assert line[6] == "?"


async def test_a_preview_escapes_and_cuts(redis, channels):
    await publish(redis, "t:moves", {"headline": HOSTILE, "long": "x" * 5000})
    await redis.xadd("t:moves", {"data": b"\xff\x1b[2J"})
    said = channels("preview", "t:moves")
    assert "cannot be decoded" in said
    assert "\\u202e" in said
    assert "(5000 characters)" in said
    whole = json.loads(channels("preview", "t:moves", "--json"))
    assert whole["entries"][1]["payload"] == {"headline": HOSTILE, "long": "x" * 5000}


async def test_the_schema_of_a_stream(redis, channels):
    await publish(redis, "t:moves", {"symbol": "AAPL", HOSTILE: 1})
    await publish(redis, "t:moves", {"symbol": "IBM", "meta": {"a": [HOSTILE]}})
    lines = channels("schema", "t:moves").splitlines()
    assert lines[1].split() == ["symbol", "string", "100", "%", "IBM,", "AAPL"]
    found = json.loads(channels("schema", "t:moves", "--json"))
    assert (found["entries"], found["decoded"]) == (2, 2)
    assert {key["key"]: key["nested"] for key in found["keys"]} == {"symbol": False, HOSTILE: False, "meta": True}


async def test_an_empty_stream_and_a_key_that_is_none(redis, channels):
    await redis.set("t:text", "x")
    for command in ("preview", "schema"):
        assert channels(command, "t:nowhere") == "There is no entry on t:nowhere.\n"
        assert "t:text cannot be read as a stream" in channels(command, "t:text", code=2)
