"""Follows every entry through the streams: each stage has it once, or, when it should not fire, not at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis
from tests.chaos.config import ARENA, ENTRIES
from tests.chaos.load import fires

from maf_core.arenas.record import run_key
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, DEAD, EXECUTIONS, arena_output
from maf_core.streams.raw import entries

_PAGE = 1000
STAGES = ("command", "accepted", "completed", "run", "envelope", "action", "execution")


@dataclass(slots=True)
class Findings:
    """What the streams say. `lost` and `doubled` hold the numbers of entries."""

    entries: int = 0
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    trails: dict[int, list[str]] = field(default_factory=dict)
    taken_over: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything is there once."""
        return not (self.lost or self.doubled or self.odd)


class Audit:
    """One look at everything."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._number_of: dict[str, int] = {}  # an entry's id, a command's id, a run's id: the number of its entry
        self._counts: dict[int, Counter[str]] = defaultdict(Counter)
        self._trails: dict[int, list[str]] = defaultdict(list)
        self._found = Findings()

    async def look(self, numbers: Iterable[int]) -> Findings:
        """Audit the entries with these numbers."""
        await self._entries()
        await self._commands()
        await self._answers()
        await self._runs()
        await self._emitted()
        async for entry_id, letter in _payloads(self._redis, DEAD):
            self._found.odd.append(
                f"dead letter {entry_id}: {letter['stream']} {letter['entry_id']}: {letter['reason']}"
            )
        self._judge(numbers)
        return self._found

    async def _entries(self) -> None:
        async for entry_id, payload in _payloads(self._redis, ENTRIES):
            self._found.entries += 1
            self._note("entry", payload["number"], entry_id)
            self._number_of[entry_id] = payload["number"]

    async def _commands(self) -> None:
        async for entry_id, command in _payloads(self._redis, CONTROL_IN):
            number = self._number_of.get(command["trigger"]["entry_id"], 0)
            self._number_of[command["command_id"]] = number
            self._number_of[f"{ARENA}-{command['command_id']}"] = number
            self._note("command", number, f"{entry_id} {command['command_id']}")

    async def _answers(self) -> None:
        async for entry_id, answer in _payloads(self._redis, CONTROL_OUT):
            number = self._number_of.get(answer["command_id"], 0)
            self._note(answer["status"], number, entry_id)
            if answer["status"] not in STAGES:
                self._found.odd.append(f"entry {number} {answer['status']}: {answer['error']}")

    async def _runs(self) -> None:
        """The record of every run: how it ended, and how often it was taken up."""
        runs = [name for name in self._number_of if name.startswith(f"{ARENA}-")]
        for start in range(0, len(runs), _PAGE):
            page = runs[start : start + _PAGE]
            pipeline = self._redis.pipeline(transaction=False)
            for arena_id in page:
                pipeline.hmget(run_key(arena_id), "head", "epoch")
            for arena_id, (head, epoch) in zip(page, await pipeline.execute(), strict=True):
                self._found.taken_over += int(epoch or 0) > 1
                if head is not None and from_json(head)["status"] == "completed":
                    self._note("run", self._number_of[arena_id], f"{arena_id} taken up {int(epoch)} times")

    async def _emitted(self) -> None:
        correlations: dict[str, str] = {}
        async for entry_id, envelope in _payloads(self._redis, arena_output(ARENA)):
            correlations[envelope["arena_id"]] = envelope["correlation_id"]
            self._note("envelope", self._number_of.get(envelope["arena_id"], 0), entry_id)
        async for entry_id, action in _payloads(self._redis, ACTIONS):
            number = self._number_of.get(action["arena_id"], 0)
            self._note("action", number, entry_id)
            if action["correlation_id"] != correlations.get(action["arena_id"]):
                self._found.odd.append(f"entry {number}: its action is not of the same run as its envelope")
        async for entry_id, execution in _payloads(self._redis, EXECUTIONS):
            number = self._number_of.get(execution["action"]["arena_id"], 0)
            self._note("execution", number, f"{entry_id} {execution['status']}")
            if execution["status"] != "approved":
                self._found.odd.append(f"entry {number}: its execution was {execution['status']}")

    def _note(self, stage: str, number: int, words: str) -> None:
        self._counts[number][stage] += 1
        self._trails[number].append(f"{stage} {words}")

    def _judge(self, numbers: Iterable[int]) -> None:
        found = self._found
        if 0 in self._counts:
            found.odd.append(f"of no entry: {dict(self._counts[0])}")
        for number in numbers:
            less, more = _wrong(number, self._counts[number])
            found.lost += [number] * less
            found.doubled += [number] * more
            if less or more:
                found.trails[number] = self._trails[number]


def _wrong(number: int, counts: Counter[str]) -> tuple[bool, bool]:
    due = {"entry": 1, **dict.fromkeys(STAGES, int(fires(number)))}
    differences = [counts[stage] - expected for stage, expected in due.items()]
    return min(differences) < 0, max(differences) > 0


def trail_lines(found: Findings, most: int = 5) -> Iterator[str]:
    """The first offenders, and where each was seen."""
    for number in sorted(found.trails)[:most]:
        yield f"entry {number}:"
        yield from (f"  {line}" for line in found.trails[number])
    yield from found.odd[: 4 * most]


async def _payloads(redis: Redis, stream: str) -> Any:
    last = "-"
    while page := entries(await redis.xrange(stream, min=last, count=_PAGE)):
        for entry_id, fields in page:
            yield entry_id, codec.decode(fields)
        last = f"({page[-1][0]}"
