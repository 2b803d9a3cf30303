"""Send the command of a rule that holds: once for its entry, and not while its target cools down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from redis.asyncio import Redis

from maf_core.plane.commands import Command
from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import CONTROL_IN, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import text

if TYPE_CHECKING:
    from maf_core.context import Near

# What the marker of a command holds that was never sent, as its target was cooling down.
COOLED = b"cooldown"

# Marker, cooldown and command in one step: an entry read twice fires once, and two processes share one cooldown.
# Times are those of the data, so that a replay fires as the live system would have; one set back does not block.
# The marker holds the command's entry, or that there is none.
FIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'duplicate' end
local last = redis.call('GET', KEYS[2])
local now, cooldown = tonumber(ARGV[1]), tonumber(ARGV[2])
if last and now - tonumber(last) >= 0 and now - tonumber(last) < cooldown then
  redis.call('SET', KEYS[1], 'cooldown', 'EX', ARGV[3])
  return 'cooldown'
end
if cooldown > 0 then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[4]) end
redis.call('SET', KEYS[1], redis.call('XADD', KEYS[3], '*', ARGV[5], ARGV[6]), 'EX', ARGV[3])
return 'fired'
"""


class Shortcut(Protocol):
    """Sends a command with `FIRE`, and takes it in the same step."""

    async def __call__(self, command: Command, keys: list[str], args: list[Any]) -> str | None:
        """What `FIRE` answers to these keys and arguments; None when nothing was sent."""


class Fire:
    """Sends commands of rules; where `near` has a shortcut to the inbox of this process, by that."""

    def __init__(self, redis: Redis, near: Near) -> None:
        self._script = redis.register_script(FIRE)
        self._near = near
        # The rules whose last target was cooling down. So will the next, mostly: no run is prepared for it ahead.
        self._cooling: set[tuple[str, str]] = set()

    async def __call__(self, command: Command, cooldown_s: float) -> str:
        """Send the command unless it was sent before or its target is cooling down. One atomic round trip.

        Returns `fired`, `duplicate` or `cooldown`.
        """
        rule = command.trigger["rule"] if command.trigger else ""
        target = "/".join(f"{key}={value}" for key, value in sorted(command.target.items()) if key != "trade_date")
        keys = [
            beside(CONTROL_IN, "once", command.command_id),
            beside(CONTROL_IN, "cooldown", command.arena, rule, target),
            CONTROL_IN,
        ]
        known_at = (command.as_of or command.requested_at).timestamp()
        data = encode(command.model_dump(mode="json"))[FIELD]
        args: list[Any] = [known_at, cooldown_s, MARKER_SECONDS, max(int(cooldown_s), 86_400), FIELD, data]
        whose = (command.arena, rule)
        shortcut = self._near.shortcut if whose not in self._cooling else None
        verdict = await shortcut(command, keys, args) if shortcut is not None else None
        verdict = verdict or text(await self._script(keys, args))
        (self._cooling.add if verdict == "cooldown" else self._cooling.discard)(whose)
        return verdict
