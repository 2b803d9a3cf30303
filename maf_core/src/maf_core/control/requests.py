"""From a command to what a run is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.arenas.run import RunRequest
from maf_core.plane.commands import Command

if TYPE_CHECKING:
    from maf_core.context import AppContext


async def request_of(context: AppContext, command: Command) -> RunRequest:
    """The request that a `run_arena` makes: as of its moment, else as of the service's clock."""
    as_of = command.as_of or await context.clock.now()
    target = {"trade_date": as_of.date().isoformat(), **command.target}
    return RunRequest(command.arena, target, as_of, command.command_id, command.action_mode, command.trigger)
