"""Watch streams, evaluate the arenas' rules, and send `run_arena` commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import structlog
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core.arenas.config import ArenaConfig, TriggerConfig
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, ConfigError, ExpressionError
from maf_core.mistakes import Mistake
from maf_core.plane.commands import Command
from maf_core.plane.expressions import Expression
from maf_core.plane.templates import Template
from maf_core.streams.codec import FIELD
from maf_core.streams.consume import NEW_ONLY, Entry
from maf_core.streams.names import CONTROL_IN, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.worker import ConsumerWorker
from maf_core.yaml_lines import Location

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

GROUP = "maf:triggers"

# Marker, cooldown and command in one step: an entry read twice fires once, and two processes share one cooldown.
# Times are those of the data, so that a replay fires as the live system would have; one set back does not block.
_FIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'duplicate' end
local last = redis.call('GET', KEYS[2])
local now, cooldown = tonumber(ARGV[1]), tonumber(ARGV[2])
local cooling = last and now - tonumber(last) >= 0 and now - tonumber(last) < cooldown
redis.call('SET', KEYS[1], '1', 'EX', ARGV[3])
if cooling then return 'cooldown' end
if cooldown > 0 then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[4]) end
redis.call('XADD', KEYS[3], '*', ARGV[5], ARGV[6])
return 'fired'
"""


class Rule:
    """One compiled trigger of one arena."""

    def __init__(self, arena: ArenaConfig, config: TriggerConfig) -> None:
        """Compile; raises `ConfigError` naming arena, trigger and key."""
        wrong = rule_mistakes(arena, config)
        if wrong:
            raise ConfigError("; ".join(mistake.words for mistake in wrong), wrong[0].at)
        targets = config.target if isinstance(config.target, dict) else {arena.target_key: config.target}
        self.arena = arena
        self.config = config
        self.when = Expression(config.when)
        self.target = {key: Template(text) for key, text in targets.items()}
        self.as_of = Template(config.as_of) if config.as_of else None

    def command(self, entry: Entry, now: datetime) -> Command:
        """The command this rule sends for an entry.

        Raises `ExpressionError` when the entry lacks what a template names.
        """
        known_at = self._known_at(entry.payload, now)
        target = {key: template.fill(entry.payload) for key, template in self.target.items()}
        origin = f"{self.arena.name}/{self.config.id}/{entry.stream}/{entry.id}"
        return Command(
            command="run_arena",
            command_id=uuid5(NAMESPACE_URL, origin).hex,
            arena=self.arena.name,
            target={"trade_date": known_at.date().isoformat(), **target},
            action_mode=self.config.action_mode or self.arena.action_mode,
            source="trigger",
            trigger={"rule": self.config.id, "stream": entry.stream, "entry_id": entry.id},
            requested_at=datetime.now(UTC),
            as_of=known_at,
        )

    def _known_at(self, payload: dict[str, Any], now: datetime) -> datetime:
        if self.as_of is not None:
            return parse_time(self.as_of.fill(payload))
        stated = payload.get("as_of") or payload.get("asof")
        return parse_time(stated) if stated else now


def rule_mistakes(arena: ArenaConfig, config: TriggerConfig) -> list[Mistake]:
    """Everything in a trigger that does not compile, by its key."""
    who = f"trigger {config.id!r} of arena {arena.name!r}"
    found = []
    if isinstance(config.target, dict) and arena.target_key not in config.target:
        found.append(Mistake(("target",), f"{who}: its target lacks {arena.target_key!r}"))
    return found + [Mistake(at, f"{who}: {why}") for at, why in uncompiled(config)]


def uncompiled(config: TriggerConfig) -> Iterator[tuple[Location, str]]:
    """The expressions and templates of a rule that do not compile: where they stand in it, and why."""
    texts: list[tuple[Location, type[Expression | Template], str]] = [(("when",), Expression, config.when)]
    if isinstance(config.target, str):
        texts.append((("target",), Template, config.target))
    else:
        texts += [(("target", key), Template, text) for key, text in config.target.items()]
    if config.as_of:
        texts.append((("as_of",), Template, config.as_of))
    for at, kind, text in texts:
        try:
            kind(text)
        except ExpressionError as error:
            yield at, str(error)


def compile_rules(arenas: Iterable[ArenaConfig]) -> dict[str, list[Rule]]:
    """All rules by the stream they watch."""
    rules: dict[str, list[Rule]] = {}
    for arena in arenas:
        for config in arena.triggers:
            rules.setdefault(config.on_stream, []).append(Rule(arena, config))
    return rules


class TriggerDispatcher(ConsumerWorker):
    """The worker that decodes an entry once and asks every rule of its stream."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._rules = compile_rules(context.arenas.values())
        super().__init__(context.consumer(GROUP, sorted(self._rules), start=NEW_ONLY))

    async def handle(self, entry: Entry) -> None:
        """Fire every rule that holds."""
        failures = []
        for rule in self._rules[entry.stream]:
            if rule.when.holds(entry.payload):
                try:
                    await self._fire(rule, entry)
                except BadEntryError as error:  # the entry does not fit this rule; it may fit the next
                    failures.append(str(error))
        if failures:
            raise BadEntryError("; ".join(failures))

    async def _fire(self, rule: Rule, entry: Entry) -> None:
        try:
            command = rule.command(entry, await self._context.clock.now())
        except (ExpressionError, BadEntryError) as error:
            raise BadEntryError(f"trigger {rule.config.id!r}: {error}") from error
        verdict = await fire(self._context.redis, rule, command)
        if verdict != "fired":
            log.debug("trigger_silent", rule=rule.config.id, entry=entry.id, why=verdict)


async def fire(redis: Redis, rule: Rule, command: Command) -> str:
    """Send the command unless it was sent before or the target is cooling down. One atomic round trip.

    Returns `fired`, `duplicate` or `cooldown`.
    """
    target = "/".join(f"{key}={value}" for key, value in sorted(command.target.items()) if key != "trade_date")
    keys = [
        beside(CONTROL_IN, "once", command.command_id),
        beside(CONTROL_IN, "cooldown", rule.arena.name, rule.config.id, target),
        CONTROL_IN,
    ]
    cooldown = rule.config.cooldown_s
    verdict: bytes = await redis.register_script(_FIRE)(
        keys=keys,
        args=[
            (command.as_of or command.requested_at).timestamp(),
            cooldown,
            MARKER_SECONDS,
            max(int(cooldown), 86_400),
            FIELD,
            to_json(command.model_dump(mode="json")),
        ],
    )
    return verdict.decode()
