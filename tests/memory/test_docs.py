"""The week in docs/memory.md, lived through with the real broker: its files, its figures, its commands."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from maf_core import Bar, publish
from maf_core.app import MAFApp, load_arenas
from maf_core.arenas.run import RunRequest
from maf_core.bars import known_at
from maf_core.cli.memory import cli
from maf_core.outbox.execution import ActionConsumer
from maf_core.plane.remembering import OutcomeKeeper
from maf_core.plugins import PluginManager, Selection
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running
from maf_plugin_paper.broker import PaperBroker

PAGE = (Path(__file__).parents[2] / "docs" / "memory.md").read_text()
WEEK = re.findall(r"^\| (\w+day)\S* .*?\| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
MONDAY = datetime(2012, 6, 4, 4, tzinfo=UTC)  # midnight in New York


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def config_dir(tmp_path) -> Path:
    """The config folder of the page."""
    for folder, name, text in (
        ("arenas", "desk.yaml", blocks("yaml")[0]),
        ("plugins", "momentum.py", blocks("python")[0]),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    return tmp_path


@pytest.fixture
async def week(redis, make_context, config_dir, brisk, clock):
    """Each day its bar, and a run at the close from Tuesday on."""
    plugins = PluginManager.load(Selection(folder=config_dir / "plugins"))
    context = make_context(plugins=plugins, arenas=[load_arenas(plugins, config_dir)["desk"]])
    app, broker = MAFApp(context), PaperBroker(context)
    for consumer in (broker.executions, broker.bars):
        consumer.options = replace(consumer.options, block_ms=10)
    async with running(brisk(ActionConsumer(context)), brisk(OutcomeKeeper(context)), broker):
        for number, (day, o, c) in enumerate(WEEK):
            opened = MONDAY + timedelta(days=number)
            close = known_at(opened, "1d")
            await clock.hold(close)
            bar = Bar("AAPL", "1d", opened, float(o), 110.0, 90.0, float(c), 1e6, close)
            await publish(redis, "trtools2:bars:1d", bar.payload())
            await until_quiet(redis)
            if number:
                target = {"ticker": "AAPL", "trade_date": close.date().isoformat()}
                await app.run(RunRequest("desk", target, close, day.lower()))
                await until_quiet(redis)
    await clock.release()
    return context


def test_the_page_has_a_week():
    assert [day for day, _, _ in WEEK] == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


async def test_the_commands_print_what_the_page_shows(week, redis_url, config_dir):
    shown = blocks("console")
    try:
        for block in shown:
            command, _, output = block.removeprefix("$ maf memory ").partition("\n")
            arguments = [*shlex.split(command), "--redis", redis_url, "--config", str(config_dir)]
            done = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
            assert done.exit_code == 0, done.exception
            assert done.stdout == output
    finally:
        structlog.reset_defaults()
    assert len(shown) == 3


async def test_the_desk_decides_as_the_page_says(week):
    actions = [codec.decode(fields) for _, fields in entries(await week.redis.xrange(ACTIONS))]
    decided = [(action["verdict"], action["sizing"]["size_fraction"]) for action in actions]
    assert decided == [("BUY", 0.16), ("SELL", 0.16), ("BUY", 0.16), ("BUY", 0.08)]
    cells = re.findall(r"^\| \w+day\S* .*\| (BUY|SELL), ", PAGE, re.MULTILINE)
    assert cells == [verdict for verdict, _ in decided]


async def test_the_backend_is_asked_as_the_page_says(week):
    scope = {}
    exec(compile(blocks("python")[1], "docs/memory.md", "exec"), scope)
    found = await scope["like_ones"](week)
    assert [one.memory.arena_id for one in found] == ["desk-thursday", "desk-tuesday"]
    assert found[1].memory.situation + "\n" == blocks("text")[0]
