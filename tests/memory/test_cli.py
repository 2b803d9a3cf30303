"""`maf memory` as a person and a program see it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
import structlog
from click.testing import CliRunner, Result

from maf_core import Outcome
from maf_core.cli.memory import cli
from maf_core.errors import UsageError
from maf_core.memory.backends import backend_of

ARENAS = {
    "panel": "{backend: bm25, recall: 2}",
    "empty": "{backend: bm25}",
    "forgetful": "null",
    "shy": "{backend: bm25, recall: 0}",
}
YAML = """
name: {name}
memory: {memory}
phases: [{{name: decide, agents: [{{name: verdict, role: synthesis}}]}}]
"""
DAYS = [datetime(2024, 1, day, 21, tzinfo=UTC) for day in (2, 3, 4)]


@pytest.fixture
def maf_memory(redis_url, tmp_path):
    """Run `maf memory …` on the test server, with these arenas in its config folder."""
    (tmp_path / "arenas").mkdir()
    for name, memory in ARENAS.items():
        (tmp_path / "arenas" / f"{name}.yaml").write_text(YAML.format(name=name, memory=memory))

    async def run(*words: str) -> Result:
        arguments = [*words, "--redis", redis_url, "--config", str(tmp_path)]
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env={"MAF_PLUGINS": "mastermind"})

    yield run
    structlog.reset_defaults()


@pytest.fixture
def said(maf_memory):
    """What it printed when it worked."""

    async def run(*words: str) -> str:
        done = await maf_memory(*words)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture
async def remembered(remembering, memory):
    """Three decisions; the first, on AAPL, earned 2 %, which became known a day later."""
    backend = backend_of(remembering(), "bm25")
    tickers = ("AAPL", "XOM", "AAPL")
    for number, (day, ticker) in enumerate(zip(DAYS, tickers, strict=True)):
        about = {"target": {"ticker": ticker, "trade_date": str(day.date())}, "situation": f"target: ticker {ticker}"}
        said = "buy\x1b[31m\nbuy" if number == 2 else "BUY"
        await backend.remember(memory(arena_id=f"panel-{number}", as_of=day, verdict=said, **about))
    outcome = {"known_at": DAYS[1], "return": 0.02, "pnl": 20, "text": "return +2.00%"}
    await backend.outcome("panel-0", Outcome.model_validate(outcome))


async def test_the_list_is_the_newest_first_without_control_characters(remembered, said):
    assert (await said("list", "panel")).splitlines() == [
        "DECIDED           TARGET  VERDICT            WHAT CAME OF IT  RUN",
        "2024-01-04 21:00  AAPL    buy [31m buy 0.80  nothing yet      panel-2",
        "2024-01-03 21:00  XOM     BUY 0.80           nothing yet      panel-1",
        "2024-01-02 21:00  AAPL    BUY 0.80           return +2.00%    panel-0",
    ]


async def test_the_list_as_json_and_limited(remembered, said):
    found = json.loads(await said("list", "panel", "--limit", "2", "--json"))
    assert [(one["arena_id"], one["target"]["ticker"], one["outcome"]) for one in found] == [
        ("panel-2", "AAPL", None),
        ("panel-1", "XOM", None),
    ]


async def test_recall_is_what_a_run_would_recall(remembered, said):
    heading, first, second = (await said("recall", "panel", "--target", "AAPL")).splitlines()
    assert heading.split()[:2] == ["SCORE", "DECIDED"]
    assert [line.split()[-1] for line in (first, second)] == ["panel-2", "panel-0"]


async def test_recall_as_of_a_moment_shows_nothing_later(remembered, said):
    found = json.loads(await said("recall", "panel", "--target", "AAPL", "--as-of", "2024-01-03T21:00:00Z", "--json"))
    assert [(one["arena_id"], one["outcome"]) for one in found] == [("panel-0", None)]


async def test_recall_by_words(remembered, said):
    words = ("--target", "IBM", "--text", "ticker XOM", "--limit", "1", "--json")
    (found,) = json.loads(await said("recall", "panel", *words))
    assert found["arena_id"] == "panel-1"


async def test_an_arena_that_only_remembers_can_be_asked_by_hand(remembering, memory, said):
    await backend_of(remembering(), "bm25").remember(memory(arena="shy"))
    assert len(json.loads(await said("recall", "shy", "--target", "AAPL", "--json"))) == 1


@pytest.mark.parametrize("words", [("list", "empty"), ("recall", "empty", "--target", "AAPL")])
async def test_an_empty_memory_is_a_sentence_and_as_json_an_empty_array(redis, said, words):
    assert (await said(*words)).startswith("Arena 'empty' ")
    assert json.loads(await said(*words, "--json")) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list", "pannel"), "There is no arena 'pannel'; there are empty, forgetful, panel, shy."),
        (("list", "forgetful"), "Arena 'forgetful' has no memory. Give it one in its YAML, memory: {backend: NAME}; "),
        (("recall", "panel", "--target", "A", "--as-of", "soon"), "--as-of: 'soon' is no timestamp; use ISO-8601"),
    ],
)
async def test_what_cannot_be_asked_is_a_sentence_and_a_usage_error(redis, maf_memory, words, sentence):
    done = await maf_memory(*words)
    assert isinstance(done.exception, UsageError)
    assert sentence in str(done.exception)


def test_a_person_gets_the_sentence_and_exit_2(maf, redis_url):
    done = maf("memory", "list", "pannel", "--redis", redis_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "maf: There is no arena 'pannel'; " in done.stderr
