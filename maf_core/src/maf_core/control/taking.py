"""Take a command: claim it, accept it, and open the record of the run it gives, all in one step on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from maf_core.arenas.store import BEGIN, Beginning
from maf_core.control.intake import QUICK, run_of
from maf_core.control.requests import request_of
from maf_core.plane.answers import TAKE, Answers, Claim, claim_of, taking
from maf_core.plane.commands import Command
from maf_core.streams.cluster import by_slot
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT

if TYPE_CHECKING:
    from maf_core.app import MAFApp
    from maf_core.arenas.record import RunRecord

# KEYS: those of `TAKE`, then those of `BEGIN` when there is a run to begin. ARGV likewise.
TAKE_AND_BEGIN = f"""
local function claim(KEYS, ARGV) {TAKE} end
local function begin(KEYS, ARGV) {BEGIN} end
local function take(KEYS, ARGV)
  local claimed, begun = claim({{KEYS[1], KEYS[2]}}, {{unpack(ARGV, 1, 5)}}), 0
  local entry, run, over, fresh = unpack(claimed)
  if KEYS[3] and fresh == 1 and over == '' then begun = begin({{KEYS[3], KEYS[4]}}, {{unpack(ARGV, 6)}}) end
  return {{entry, run, over, fresh, begun}}
end
"""


class Taken(NamedTuple):
    """A command that was claimed; `begun`: the record of its run, if that was opened with it."""

    claim: Claim
    begun: RunRecord | None = None


class Taking:
    """What the server needs to take one command, and what it says."""

    def __init__(self, command: Command, beginning: Beginning | None) -> None:
        self._beginning = beginning
        keys, args = taking(command.command_id, run_of(command))
        self.keys: list[str] = keys + (beginning.keys if beginning else [])
        # The first is the entry.
        self.args: list[Any] = args + (beginning.args if beginning else [])

    def taken(self, answer: list[Any]) -> Taken:
        """What `take` has answered."""
        *claim, begun = answer
        return Taken(claim_of(claim), self._beginning.record if self._beginning and begun else None)


class Taker:
    """Takes commands."""

    def __init__(self, app: MAFApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers
        redis = app.context.redis
        # On a cluster the answers lie elsewhere than the runs: a record is opened when the run begins.
        self.at_once = len(by_slot(redis, [CONTROL_IN, CONTROL_OUT])) == 1
        self._take = redis.register_script(TAKE_AND_BEGIN + "return take(KEYS, ARGV)")

    async def take(self, command: Command, entry_id: str) -> Taken:
        """Take a command for its entry. One round trip."""
        if not self.at_once:
            return Taken(await self._answers.take(command.command_id, entry_id, run_of(command)))
        taking = await self.taking(command)
        return taking.taken(await self._take(taking.keys, [entry_id, *taking.args]))

    async def taking(self, command: Command) -> Taking:
        """How this command is taken; what gives no run opens no record."""
        if command.command in QUICK:
            return Taking(command, None)
        return Taking(command, await self._app.beginning(await request_of(self._app.context, command)))
