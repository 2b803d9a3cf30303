"""`maf sources` and `maf arena show` as a person and a program see them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from maf_core import publish
from maf_core.cli.sources import cli
from maf_core.errors import UnknownNameError, UsageError

ITEM = {"headline": "Up\x1b[2J", "symbols": ["AAPL"], "created_at": datetime(2024, 3, 1, 15, tzinfo=UTC).isoformat()}
YAML = """
name: pulse
summary: A small one
sources: {news: {source: trtools2_news}, api: {source: trtools2_api}}
triggers: [{id: any, on_stream: "trtools2:news", when: "True", target: "{payload.symbols[0]}"}]
phases: [{name: decide, agents: [{name: verdict, role: synthesis}]}]
"""


@pytest.fixture
def listed():
    from click.testing import CliRunner

    return lambda *words: CliRunner().invoke(cli, ["list", *words], env={"MAF_PLUGINS": "trtools2,fomo2"}).stdout


def test_what_can_be_bound_is_listed_and_what_was_replaced_is_not(listed):
    assert "trtools2_api" in listed()
    assert "fomo2_reports" in listed()
    assert "alpaca_bars" not in listed()
    assert "Replaced by trtools2_bars" in listed("--all")


def test_programs_get_the_configuration_too(listed):
    sources = {one["name"]: one for one in json.loads(listed("--json"))}
    assert sources["trtools2_news"]["config"]["properties"]["limit"]["default"] == 50


async def test_a_source_is_asked_as_a_run_would(redis, maf_at):
    await publish(redis, "trtools2:news", ITEM)
    words = ("test", "trtools2_news", "--target", "AAPL", "--as-of", "2024-03-01T16:00:00Z")
    done = await maf_at("sources", *words)
    assert done.exit_code == 0
    assert "known at   2024-03-01T15:00:00+00:00" in done.stdout
    assert "\x1b" not in done.stdout
    told = json.loads((await maf_at("sources", *words, "--json")).stdout)
    assert (told["gaps"], told["data"][0]["symbols"]) == ([], ["AAPL"])


async def test_no_data_is_an_exit_code(redis, maf_at):
    done = await maf_at("sources", "test", "trtools2_news", "--target", "AAPL")
    assert done.exit_code == 1
    assert "no_trtools2_news" in done.stdout


async def test_a_target_may_be_an_object_and_the_binding_may_be_set(redis, maf_at):
    report = {"report_id": "r-1", "title": "One", "created_at": ITEM["created_at"]}
    await publish(redis, "my:reports", report)
    words = ("--target", '{"report_id": "r-1"}', "--set", '{"stream": "my:reports"}', "--as-of", "2024-03-02T00:00:00Z")
    done = await maf_at("sources", "test", "fomo2_reports", *words)
    assert (done.exit_code, "One" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", "{broken"), "--target is no JSON"),
        (("--target", "AAPL", "--set", "[1]"), "--set is list, not an object"),
        (("--target", "AAPL", "--as-of", "soon"), "--as-of"),
    ],
)
async def test_a_wrong_wish_is_told(maf_at, words, says):
    done = await maf_at("sources", "test", "trtools2_news", *words)
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)


async def test_a_source_that_nobody_offers(maf_at):
    done = await maf_at("sources", "test", "nobodys", "--target", "AAPL")
    assert isinstance(done.exception, UnknownNameError)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "pulse.yaml").write_text(YAML)
    return ("--config", str(tmp_path))


async def test_an_arena_at_a_glance_with_the_age_of_its_inputs(redis, maf_at, config):
    await publish(redis, "trtools2:news", ITEM)
    done = await maf_at("arena", "show", "pulse", *config)
    assert done.exit_code == 0
    shown = " ".join(done.stdout.split())
    assert "news trtools2_news 1 entries, newest 0 s ago" in shown
    assert "api trtools2_api asked at every call" in shown
    assert "decide sequential verdict" in shown
    assert "any trtools2:news True" in shown


async def test_programs_get_an_arena_as_json(redis, maf_at, config):
    told = json.loads((await maf_at("arena", "show", "pulse", "--json", *config)).stdout)
    assert [one["count"] for one in told["sources"]] == [0, None]
    assert told["arena"]["name"] == "pulse"


async def test_an_arena_that_there_is_not(maf_at, config):
    done = await maf_at("arena", "show", "nobodys", *config)
    assert "there are pulse" in str(done.exception)
