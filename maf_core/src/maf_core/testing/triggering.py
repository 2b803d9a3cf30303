"""Try a trigger rule as the service would."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maf_core.arenas.config import ArenaConfig, TriggerConfig
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing.running import running

if TYPE_CHECKING:
    from maf_core.context import AppContext

_PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


def arena_with(rule: TriggerConfig, target_key: str = "ticker") -> ArenaConfig:
    """A small arena, `triggered`, that this rule sets off."""
    return ArenaConfig.model_validate(
        {"name": "triggered", "target_key": target_key, "phases": _PHASES, "triggers": [rule]}
    )


async def commands_after(context: AppContext, *actions: Awaitable[Any]) -> list[dict[str, Any]]:
    """Every command that the real dispatcher of this application's arenas has sent when these actions are digested."""
    dispatcher = TriggerDispatcher(context)
    dispatcher.consumer.options = replace(dispatcher.consumer.options, block_ms=10)  # notice the end soon
    async with running(dispatcher):
        for action in actions:
            await action
        await until_quiet(context.redis)
    return [codec.decode(fields) for _, fields in entries(await context.redis.xrange(CONTROL_IN))]
