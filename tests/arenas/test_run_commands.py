"""`maf arena runs`, `show-run` and `resume`, as a person uses them."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.record import RunHead
from maf_core.arenas.store import RunStore
from maf_core.cli.arena import cli
from maf_core.errors import MAFError
from maf_core.plane.commands import Command, send
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

ARENA = """
name: panel
phases:
  - {name: look, agents: [{name: planner, role: replan, options: {back_to: look}}]}
  - {name: decide, agents: [{name: verdict, role: synthesis}]}
"""


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(redis_url, tmp_path):
    """Run `maf arena …` on the test server, with the arena `panel` in its config folder, in this process."""
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "panel.yaml").write_text(ARENA)

    def invoke(*words: str) -> Done:
        options = ["--redis", redis_url, "--config", str(tmp_path)]
        result = CliRunner(env={"MAF_PLUGINS": ""}).invoke(cli, [*words, *options])
        if isinstance(result.exception, MAFError):
            return Done(result.exception.exit_code, result.stdout, str(result.exception))
        return Done(result.exit_code, result.stdout, result.stderr)

    async def run(*words: str) -> Done:
        return await asyncio.to_thread(invoke, *words)

    return run


@pytest.fixture
def finished(make_context, load, panel, role, request_for):
    """Run an arena to its end, with an answer of somebody who is not to be trusted."""

    async def run():
        async def step(agent, state, context):
            async def ask():
                return {"text": "buy \x1b[31mnow"}

            await context.recorder.answered("llm", {"agent": agent.name, "model": "m"}, ask)
            return {
                "abstentions": {"news": "no news"},
                "synthesis_verdict": "BUY",
                "synthesis_confidence": 0.75,
                "synthesis_reasoning": "because \x1b]0;of you\x07",
            }

        arena = panel({"name": "look", "agents": [{"name": "a", "role": "step"}]})
        return await ArenaEngine(make_context(plugins=load(role("step", step)), arenas=[arena])).run(request_for())

    return run


@pytest.fixture
def left_behind(redis, request_for):
    """A run that was begun by a worker that is gone."""

    async def begin(**more) -> RunHead:
        request = request_for(**more)
        state = {"target": request.target, "as_of": request.as_of.isoformat(), "signals": {}}
        head = RunHead(
            arena=request.arena, command_id=request.command_id, target=request.target, as_of=request.as_of,
            correlation_id="c" * 32, next_phase="decide", phases=1,
        )  # fmt: skip
        await RunStore(redis, 3600, 100).open(head, state)
        return head

    return begin


async def test_runs_are_listed_with_the_newest_first(command, finished, left_behind):
    run, head = await finished(), await left_behind()
    done = await command("runs")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert [word in first for word in ("running", "at decide", "ticker=AAPL", head.request.arena_id)] == [True] * 4
    assert [word in second for word in ("completed", " s ", run.arena_id)] == [True] * 3
    rows = json.loads((await command("runs", "--json", "--limit", "1")).stdout)
    assert [(row["arena_id"], row["status"], row["next_phase"]) for row in rows] == [
        (head.request.arena_id, "running", "decide")
    ]
    assert (await command("runs", "--arena", "other")).stdout == ""


async def test_a_run_is_shown_and_nobody_writes_on_the_terminal(command, finished):
    run = await finished()
    done = await command("show-run", run.arena_id, "--answers")
    assert done.returncode == 0, done.stderr
    for words in (f"{run.arena_id}: completed", "ticker=AAPL", "verdict: BUY, confidence 0.75", "because",
                  "phase look", "news abstained: no news", "1 answers kept", '"agent":"a"'):  # fmt: skip
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


async def test_a_run_is_shown_as_json(command, finished):
    run = await finished()
    shown = json.loads((await command("show-run", run.arena_id, "--json", "--answers")).stdout)
    assert (shown["status"], shown["state"]["synthesis_verdict"]) == ("completed", "BUY")
    assert [answer["answer"] for answer in shown["answers"]] == [{"text": "buy \x1b[31mnow"}]
    assert "answers" not in json.loads((await command("show-run", run.arena_id, "--json")).stdout)


@pytest.mark.parametrize("word", ["show-run", "resume"])
async def test_a_run_that_is_not_there_is_a_sentence(command, word):
    done = await command(word, "panel-unknown")
    assert done.returncode == 2
    assert "There is no run 'panel-unknown'. Those that are kept are listed by: maf arena runs" in done.stderr


async def test_a_run_left_behind_is_carried_on_and_its_decision_goes_out(redis, command, left_behind):
    head = await left_behind()
    done = await command("resume", head.request.arena_id)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["arena_id"], told["status"], told["verdict"]) == (head.request.arena_id, "completed", "HOLD")
    (action,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(ACTIONS))]
    assert (action["arena_id"], action["correlation_id"]) == (head.request.arena_id, "c" * 32)
    (answer,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    assert (answer["command_id"], answer["status"]) == (head.command_id, "completed")


async def test_a_run_that_is_over_is_not_resumed(redis, command, finished):
    run = await finished()
    done = await command("resume", run.arena_id)
    assert done.returncode == 2
    assert f"Run {run.arena_id} is over: it completed. See what came of it: maf arena show-run" in done.stderr
    assert await redis.exists(ACTIONS) == 0


async def test_a_run_of_an_arena_that_is_not_here_is_not_resumed(command, left_behind):
    head = await left_behind(arena="other")
    done = await command("resume", head.request.arena_id)
    assert done.returncode == 2
    assert "is of the arena 'other', and here there are panel" in done.stderr


async def test_a_run_that_was_resumed_is_not_run_again_by_a_service(
    redis, redis_url, command, left_behind, maf_process, tmp_path
):
    head = await left_behind()
    await send(redis, Command(command="run_arena", command_id=head.command_id, arena="panel", target=head.target))
    await command("resume", head.request.arena_id)
    maf_process("service", "run", "--redis", redis_url, "--config", str(tmp_path), MAF_PLUGINS="")
    await wait_until(lambda: _acknowledged(redis), 30)
    assert await redis.xlen(ACTIONS) == 1


async def _acknowledged(redis) -> bool:
    groups = await redis.xinfo_groups("maf:control:in") if await redis.exists("maf:control:in") else []
    return any(group["entries-read"] == 1 and group["pending"] == 0 for group in groups)
