"""`maf paper` as a person and a program see it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from maf_core import Entry
from maf_core.plugins import PluginManager, Selection
from maf_core.streams.names import EXECUTIONS
from maf_plugin_paper.cli import cli


@pytest.fixture
def maf_paper(redis_url):
    """Run `maf paper ...` beside the test's own event loop."""

    async def run(*words: str, answer: str = "") -> Result:
        arguments = [words[0], "--redis", redis_url, *words[1:]]
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments, input=answer, env={"COLUMNS": "120"})

    return run


@pytest.fixture
async def traded(market, make_broker) -> None:
    """AAPL bought, sold and bought again, MSFT waiting."""
    broker = make_broker()
    for number, (side, day) in enumerate((("BUY", 0), ("SELL", 1), ("BUY", 2))):
        await broker.on_execution(Entry(EXECUTIONS, "1-0", market.execution(day, side, f"run-{number}")))
        await broker.on_bar(Entry("bars", "1-0", market.bar(day + 1, 100.0 + 10 * day, c=125.0).payload()))
    await broker.on_execution(Entry(EXECUTIONS, "1-0", market.execution(3, "BUY", "run-3", ticker="MSFT")))


async def test_status_as_json(traded, maf_paper):
    result = await maf_paper("status", "--json")
    assert result.exit_code == 0
    status = json.loads(result.stdout)
    trading = status["arenas"]["trading"]
    assert (status["fills"], status["closes"], status["open_positions"]) == (3, 1, 1)
    assert (trading["closes"], trading["wins"]) == (1, 1)
    assert status["pnl"] == pytest.approx(trading["equity"] - trading["initial_equity"], abs=1e-6)
    assert trading["realized_pnl"] + trading["unrealized_pnl"] == pytest.approx(status["pnl"], abs=1e-6)
    assert status["fees"] == trading["fees"] > 0
    assert status["slippage"] == trading["slippage"] > 0
    (held,) = trading["open_positions"]
    assert (held["ticker"], held["last_price"]) == ("AAPL", 125.0)
    assert held["unrealized"] == trading["unrealized_pnl"]
    assert trading["cash"] + held["quantity"] * held["last_price"] == pytest.approx(trading["equity"], abs=0.01)
    assert [(order["ticker"], order["side"]) for order in trading["waiting"]] == [("MSFT", "BUY")]


async def test_status_as_a_table(traded, maf_paper):
    result = await maf_paper("status")
    assert result.exit_code == 0
    for text in ("Paper accounts", "trading", "1 (1)", "Open positions", "125.0000"):
        assert text in result.stdout
    assert "MSFT" in result.stdout.split("Orders waiting for their next bar")[1]


async def test_status_of_one_arena(traded, maf_paper):
    result = await maf_paper("status", "--arena", "trading", "--json")
    assert list(json.loads(result.stdout)["arenas"]) == ["trading"]
    unknown = await maf_paper("status", "--arena", "trding")
    assert (unknown.exit_code, unknown.exception.exit_code) == (1, 2)
    assert "No arena 'trding' has a paper account; there are: trading." in str(unknown.exception)


async def test_status_before_the_first_trade(redis, maf_paper):
    assert "No arena has traded yet" in (await maf_paper("status")).stdout
    empty = json.loads((await maf_paper("status", "--json")).stdout)
    assert empty == {
        "arenas": {},
        "fills": 0,
        "closes": 0,
        "open_positions": 0,
        "pnl": 0.0,
        "fees": 0.0,
        "slippage": 0.0,
    }


async def test_reset_asks_first(traded, maf_paper, market, make_broker):
    refused = await maf_paper("reset", answer="n\n")
    assert refused.exit_code == 1
    assert "Open positions" in (await maf_paper("status")).stdout
    assert "Deleted 1 paper account." in (await maf_paper("reset", "--yes")).stdout
    await make_broker().on_execution(Entry(EXECUTIONS, "1-0", market.execution(3, "BUY", "run-3", ticker="MSFT")))
    assert "No arena has traded yet" in (await maf_paper("status")).stdout, "an old order does not come back"
    ended = [outcome for outcome in await market.outcomes() if outcome["kind"] == "dropped"]
    assert [(outcome["arena_id"], outcome["reason"]) for outcome in ended] == [
        ("run-2", "the account was reset"),
        ("run-3", "the account was reset"),
    ]


def test_the_plugin_offers_a_worker_and_a_command():
    row = next(row for row in PluginManager.load(Selection.from_names("paper")).rows if row.name == "paper")
    assert (row.status.value, row.contributions) == ("ok", {"workers": ["paper"], "commands": ["paper"]})


def test_listing_plugins_imports_nothing_heavy():
    program = "import sys, maf_plugin_paper.plugin as p; list(p.maf_workers()); print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
