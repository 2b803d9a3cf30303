"""What docs/risk.md shows is what the code does."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from maf_core import RiskCheckSpec
from maf_core.cli.root import cli
from maf_core.outbox.approvals import ApprovalClerk
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.records import by_priority
from maf_core.settings import load_settings
from maf_core.testing import running

PAGE = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_table_of_checks_is_the_chain():
    section = PAGE.partition("## The checks\n")[2].partition("\nPlugins add")[0]
    specs = by_priority(PluginManager.load(Selection.from_names("")).records("maf_risk_checks", RiskCheckSpec))
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE) == [
        (spec.name, spec.summary) for spec in specs
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_settings_shown_are_settings(tmp_path, text):
    (tmp_path / "maf.yaml").write_text(text)
    assert load_settings(tmp_path).risk != load_settings().risk


async def test_the_commands_shown_work_in_this_order(redis_url, desk, action, make_context, load, brisk):
    office = desk()
    waits = [action(mode="semi", target={"ticker": ticker}) for ticker in "AB"]
    ids = {"approve": waits[0].arena_id, "reject": waits[1].arena_id, "show": waits[0].arena_id}
    await office.submit(*waits)
    commands = re.findall(r"^    maf (.+)$", PAGE, re.MULTILINE)
    assert len(commands) == 9
    async with running(brisk(ApprovalClerk(make_context(plugins=load())))):
        for command in commands:
            words = [ids[command.split()[1]] if word == "ID" else word for word in shlex.split(command)]
            done = await asyncio.to_thread(CliRunner().invoke, cli, [*words, "--redis", redis_url])
            assert done.exit_code == 0, (command, done.output, done.exception)
    assert [execution.status for execution in await office.executions()][2:] == ["approved", "rejected"]


async def test_the_check_shown_works(desk, action, stopped_by, make_context):
    scope: dict[str, object] = {}
    exec(compile(blocks("python")[0], "docs/risk.md", "exec"), scope)
    module = type("Module", (), {"maf_risk_checks": staticmethod(scope["maf_risk_checks"])})
    plugins = PluginManager.load(Selection(), [Candidate("mine", "maf-mine", "1", module=module)])
    office = type(desk())(make_context(plugins=plugins))
    for ticker in "AB":
        await office.submit(action(target={"ticker": ticker}))
    first, second = await office.executions()
    assert (first.status, stopped_by(second)) == ("approved", ["one_per_arena"])
