"""From a rule to the run it asks for, where both are of this process: the command is taken in the step that sends it.

It stands on the stream, is handed out by its group, claimed and acknowledged as any other; only nobody is woken up to
read what this process has just written.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from maf_core.control.taking import TAKE_AND_BEGIN, Taken, Taker
from maf_core.plane.commands import Command
from maf_core.plane.firing import FIRE
from maf_core.streams.group import Delivery
from maf_core.streams.names import CONTROL_IN
from maf_core.streams.raw import text

if TYPE_CHECKING:
    from maf_core.context import AppContext
    from maf_core.control.intake import Intake
    from maf_core.streams.consume import GroupConsumer

# KEYS: those of `FIRE`, then those of `take`. ARGV: those of `FIRE`, group, consumer, then those of `take` without the
# entry. What the group hands out may be another entry, one that waits for longer; fakeredis does not wrap it by stream.
_SEND_AND_TAKE = f"""
{TAKE_AND_BEGIN}
local function fire(KEYS, ARGV) {FIRE} end
local verdict = fire(KEYS, ARGV)
if verdict ~= 'fired' then return {{verdict}} end
local found = redis.pcall('XREADGROUP', 'GROUP', ARGV[7], ARGV[8], 'COUNT', 1, 'STREAMS', KEYS[3], '>')
if not found or found.err then return {{verdict}} end
local read = type(found[1]) == 'table' and found[1] or found
local id, fields = unpack(read[2][1])
if id ~= redis.call('GET', KEYS[1]) then return {{verdict, id, fields}} end
return {{verdict, id, fields, take({{unpack(KEYS, 4)}}, {{id, unpack(ARGV, 9)}})}}
"""


class ShortcutToInbox:
    """Sends the commands of rules and takes them, as far as the inbox of this process has places free."""

    def __init__(self, context: AppContext, consumer: GroupConsumer, intake: Intake, taker: Taker) -> None:
        self._consumer = consumer
        self._intake = intake
        self._taker = taker
        self._script = context.redis.register_script(_SEND_AND_TAKE)
        self._taken: dict[str, tuple[Command, Taken]] = {}  # by entry

    async def __call__(self, command: Command, keys: list[str], args: list[Any]) -> str | None:
        """Send and take a command; None when it has to go the long way. One round trip."""
        if not self._taker.at_once or not self._intake.sound(command, len(args[-1])):
            return None
        verdict: str | None = await self._consumer.take_in(CONTROL_IN, partial(self._send, command, keys, args))
        return verdict

    def taken(self, entry_id: str) -> tuple[Command, Taken] | None:
        """The command of an entry, if it came this way."""
        return self._taken.pop(entry_id, None)

    async def _send(
        self, command: Command, keys: list[str], args: list[Any], group: str, consumer: str
    ) -> tuple[str, Delivery | None]:
        taking = await self._taker.taking(command)
        verdict, *read = await self._script([*keys, *taking.keys], [*args, group, consumer, *taking.args])
        if not read:
            return text(verdict), None
        entry_id, pairs, *claimed = read
        if claimed:
            self._taken[text(entry_id)] = command, taking.taken(claimed[0])
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return text(verdict), Delivery(CONTROL_IN, text(entry_id), fields)
