"""Watch streams, evaluate the arenas' rules, and send `run_arena` commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import structlog
from pydantic import ValidationError

from maf_core.arenas.config import ArenaConfig, TriggerConfig
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, ConfigError, ExpressionError
from maf_core.mistakes import Mistake
from maf_core.plane.commands import Command
from maf_core.plane.expressions import Expression
from maf_core.plane.firing import Fire
from maf_core.plane.interest import Interest
from maf_core.plane.templates import Template
from maf_core.plane.watched import Watched
from maf_core.settings import explain
from maf_core.streams.consume import NEW_ONLY, Entry
from maf_core.tasks import cancelled
from maf_core.worker import ConsumerWorker
from maf_core.yaml_lines import Location

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

GROUP = "maf:triggers"


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

    def command(self, entry: Entry, known_at: datetime) -> Command:
        """The command this rule sends for an entry that was known at this moment.

        Raises `ExpressionError` when the entry lacks what a template names.
        """
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

    def known_at(self, payload: dict[str, Any]) -> datetime | None:
        """When an entry was known, as it says itself; None when it does not. Raises as `command` does."""
        if self.as_of is not None:
            return parse_time(self.as_of.fill(payload))
        stated = payload.get("as_of") or payload.get("asof")
        return parse_time(stated) if stated else None


def rule_mistakes(arena: ArenaConfig, config: TriggerConfig) -> list[Mistake]:
    """Everything in a trigger that does not compile, by its key."""
    who = f"trigger {config.id!r} of arena {arena.name!r}"
    found = []
    if not config.on_stream or any(letter.isspace() for letter in config.on_stream):
        found.append(Mistake(("on_stream",), f"{who}: {config.on_stream!r} cannot be the name of a stream"))
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

    follows_arenas = True

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._rules = compile_rules(context.arenas.values())
        self._fire = Fire(context.redis, context.near)
        self._interest = Interest(context)
        super().__init__(context.consumer(GROUP, sorted(self._rules), start=NEW_ONLY))
        self.consumer.before_ack = self._interest.flush  # nothing that fired waits for it, and none of it is lost
        self._watched = Watched(context.redis, GROUP, self.consumer.streams)

    async def prepare(self) -> None:
        """Create the groups; the streams that no rule watches any more are let go."""
        self.consumer.streams = await self._watched.usable()
        await super().prepare()
        await self._watched.renew()

    async def run(self, stop: asyncio.Event) -> None:
        """Fire until `stop` is set."""
        keeping = asyncio.create_task(self._watched.keep())
        try:
            await super().run(stop)
        finally:
            await cancelled([keeping])
        arenas = self._context.arenas.values()  # other ones by now, when they have changed
        await self._watched.let_go({rule.on_stream for arena in arenas for rule in arena.triggers})

    async def handle(self, entry: Entry) -> None:
        """Fire every rule that holds."""
        failures = []
        for rule in self._rules[entry.stream]:
            if rule.when.holds(entry.payload):
                try:
                    await self._send(rule, entry)
                except BadEntryError as error:  # the entry does not fit this rule; it may fit the next
                    failures.append(str(error))
        if failures:
            raise BadEntryError("; ".join(failures))

    async def _send(self, rule: Rule, entry: Entry) -> None:
        try:
            known_at = rule.known_at(entry.payload) or await self._context.clock.now()
            command = rule.command(entry, known_at)
        except (ExpressionError, BadEntryError) as error:
            raise BadEntryError(f"trigger {rule.config.id!r}: {error}") from error
        except ValidationError as error:
            raise BadEntryError(f"trigger {rule.config.id!r}: the command is not valid: {explain(error)}") from error
        verdict = await self._fire(command, rule.config.cooldown_s)
        if verdict != "cooldown":
            self._interest.rule_fires(rule.arena.target_key, command.target)
        if verdict != "fired":
            log.debug("trigger_silent", rule=rule.config.id, entry=entry.id, why=verdict)
