"""Workers are killed at any moment of their runs: every run is finished, and no model is asked again for an answer
that had arrived.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from maf_core.arenas.record import run_key
from maf_core.control.inbox import GROUP
from maf_core.plane.commands import Command
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT, DEAD, DECISIONS
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries, text
from maf_core.testing import wait_until
from maf_core.testing.ollama import OllamaServer, Reply, ToolCall

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

KILLS, WORKERS, LEASE_S = 50, 2, 1.0
# Two witnesses and one more, two questions each.
QUESTIONS = 6
_TOKEN = re.compile(r"token-[\w-]+")


def repeated(chat) -> Reply:
    """The stand-in says the token of the question again, after a while."""
    said = {"token": _TOKEN.search(chat.prompt)[0]}
    pause = random.uniform(0, 0.05)
    if chat.answer_tool:
        return Reply(tool_calls=[ToolCall(chat.answer_tool, said)], delay_s=pause)
    return Reply(json.dumps(said), delay_s=pause)


class Nursery:
    """Starts workers, and kills them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.alive: list[int] = []

    async def start(self) -> None:
        """One more worker."""
        self._process.stdin.write(b"\n")
        self.alive.append(int(await self._process.stdout.readline()))

    async def kill(self, pid: int) -> None:
        """Kill a worker; returns when it is gone."""
        os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)
        await wait_until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def nursery(redis_url: str, ollama_url: str):
    program = Path(__file__).parent / "programs" / "nursery.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        redis_url,
        ollama_url,
        str(LEASE_S),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    workers = Nursery(process)
    try:
        yield workers
    finally:
        process.stdin.close()
        for pid in workers.alive:
            os.kill(pid, signal.SIGCONT)  # who is stopped would never notice
        await process.wait()


def tokens_asked(ollama: OllamaServer) -> list[str]:
    """What was asked for, in order; without the one question by which the workers were warmed up."""
    return [_TOKEN.search(json.dumps(call.body["messages"]))[0] for call in ollama.calls][1:]


async def tokens_recorded(redis, ids: list[str]) -> set[str]:
    """What has arrived and been saved, of all runs."""
    pipeline = redis.pipeline(transaction=False)
    for command_id in ids:
        pipeline.hgetall(run_key(f"panel-{command_id}"))
    answers = [
        value for fields in await pipeline.execute() for name, value in fields.items() if name.startswith(b"answer:")
    ]
    return {token for answer in answers for token in _TOKEN.findall(answer.decode())}


async def holder(redis, entry_id: str) -> int | None:
    """The pid of the worker that has this command in work."""
    try:
        rows = await redis.xpending_range(CONTROL_IN, GROUP, entry_id, entry_id, 1)
    except ResponseError:  # the first worker has not made the group yet
        return None
    return int(text(rows[0]["consumer"]).rsplit("-", 2)[1]) if rows else None


async def test_workers_that_are_killed_lose_nothing_double_nothing_and_ask_nobody_twice(redis, redis_url: str):
    ids = [f"run{number}" for number in range(KILLS)]
    recorded_at: list[tuple[str, int]] = []
    with OllamaServer({"*": repeated}) as ollama:
        async with nursery(redis_url, ollama.url) as workers:
            for _ in range(WORKERS):
                await workers.start()
            for command_id in ids:
                entry_id = await publish(redis, CONTROL_IN, command_of(command_id).model_dump(mode="json"))
                await wait_until(lambda entry_id=entry_id: holder(redis, entry_id), 20)
                await asyncio.sleep(random.uniform(0, 0.3))  # any moment of the run, and a few after its end
                pid = await holder(redis, entry_id)
                await workers.kill(pid if pid in workers.alive else workers.alive[0])
                recorded = await tokens_recorded(redis, ids)
                recorded_at += [(token, len(tokens_asked(ollama))) for token in recorded]
                await workers.start()
            await until_quiet(redis)
        asked = tokens_asked(ollama)
    # Of what was recorded at a kill, nothing was asked for after it.
    assert [token for token, calls in recorded_at if token in asked[calls:]] == []
    await _everything_went_out_once(redis, ids, asked)


async def test_a_worker_that_stalled_goes_on_when_the_one_that_took_over_is_killed(redis, redis_url: str):
    """At once, not when the time that a run may take is over: nobody else is left who could."""

    def slowly(chat) -> Reply:
        return replace(repeated(chat), delay_s=0.5)

    with OllamaServer({"*": slowly}) as ollama:
        async with nursery(redis_url, ollama.url) as workers:
            await workers.start()
            (first,) = workers.alive
            entry_id = await publish(redis, CONTROL_IN, command_of("run").model_dump(mode="json"))
            await wait_until(lambda: tokens_asked(ollama), 20)
            os.kill(first, signal.SIGSTOP)
            await workers.start()
            second = workers.alive[-1]
            await wait_until(lambda: _is(holder(redis, entry_id), second), 20)
            await wait_until(lambda: _is(redis.hget(run_key("panel-run"), "epoch"), b"2"))
            os.kill(first, signal.SIGCONT)
            await workers.kill(second)
            await wait_until(lambda: redis.xlen(DECISIONS), 30)
            await until_quiet(redis)
        asked = tokens_asked(ollama)
    await _everything_went_out_once(redis, ["run"], asked)


async def _is(found: Awaitable[Any], expected: object) -> bool:
    return await found == expected


def command_of(command_id: str) -> Command:
    """One run."""
    return Command(command="run_arena", command_id=command_id, arena="panel", target={"question": command_id})


async def _everything_went_out_once(redis, ids: list[str], asked: list[str]) -> None:
    decisions = [codec.decode(fields)["arena_id"] for _, fields in entries(await redis.xrange(DECISIONS))]
    assert Counter(decisions) == Counter(f"panel-{command_id}" for command_id in ids)
    answers = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    completed = [answer["command_id"] for answer in answers if answer["status"] == "completed"]
    assert sorted(completed) == sorted(ids)
    assert await redis.xlen(DEAD) == 0
    assert len(set(asked)) == len(await tokens_recorded(redis, ids)) == QUESTIONS * len(ids)
    # Asked twice was only what was under way when its worker was killed: at most one question of each witness at work.
    assert len(asked) - len(set(asked)) <= KILLS * 3 * 2
