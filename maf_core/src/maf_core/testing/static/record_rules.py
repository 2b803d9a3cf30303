"""Rules about what the records of a plugin stand for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import click
from pydantic import BaseModel, ValidationError

from maf_core.agents.base import Agent
from maf_core.checking import load_checked
from maf_core.errors import MAFError
from maf_core.records import (
    AgentSpec,
    ArenaSpec,
    CommandSpec,
    DashboardRouterSpec,
    FactoryRecord,
    LLMProviderSpec,
    SourceSpec,
    TriggerTemplatesSpec,
)
from maf_core.sources.legacy import KNOWN, tells_freshness
from maf_core.testing.static.findings import Fault, Rule
from maf_core.testing.static.subject import Subject

STRAY_KEY = "a_key_that_nobody_has"


def makes_the_right_kind(subject: Subject) -> Iterator[Fault]:
    """MAF-P07 Every factory can be imported and is of its record's kind.

    A factory is imported when it is first needed: a wrong one stops a worker, an arena or a command then.
    """
    for record in subject.of_kind(FactoryRecord):
        if isinstance(record, DashboardRouterSpec) and find_spec("fastapi") is None:
            continue  # it is for those who have maf[dashboard]
        try:
            fits, wanted = _kind_of(record)
            if not fits(record.load()):
                yield Fault(f"the factory of {record.name!r} is not {wanted}", f"Let {record.factory!r} be {wanted}.")
        except MAFError as error:
            yield Fault(f"{record.name!r}: {error}", "Mend the dotted path, or what its module imports.")


def configures_sources(subject: Subject) -> Iterator[Fault]:
    """MAF-P08 Every source has a `Config` that refuses unknown keys.

    A misspelt key that is ignored changes what an arena reads without a word. One that has been replaced reads nothing.
    """
    replaced = {spec.name for spec in subject.of_kind(SourceSpec) if spec.replaced_by}
    for name, kind in _sources(subject):
        if name in replaced:
            continue
        config = getattr(kind, "Config", None)
        if not (isinstance(config, type) and issubclass(config, BaseModel)):
            yield Fault(f"source {name!r} has no Config", "Set `Config` to a SourceConfig subclass.")
        elif not _refuses_unknown_keys(config):
            yield Fault(f"the Config of source {name!r} takes unknown keys", "Derive it from SourceConfig.")


def tells_its_freshness(subject: Subject) -> Iterator[Fault]:
    """MAF-P09 Every source has a `freshness_spec`.

    It is how a stalled feed shows before a decision rests on it. An old adapter without one is to be migrated.
    """
    for name, kind in _sources(subject):
        if not tells_freshness(kind):
            assumed = "is taken from a table of old adapters" if name in KNOWN else "is shown as unknown"
            yield Fault(
                f"source {name!r} has no freshness_spec: to be migrated; until then its freshness {assumed}",
                "Give it the class method `freshness_spec(cls, config)`.",
                grave=False,
            )


def ships_valid_arenas(subject: Subject) -> Iterator[Fault]:
    """MAF-P10 Every arena validates with the plugins that are installed, under its record's name.

    A plugin's arena that does not validate is left out of the service, with a warning only.
    """
    for spec in subject.of_kind(ArenaSpec):
        try:
            arena = load_checked(subject.plugins, spec.load()())
        except MAFError as error:
            yield Fault(f"arena {spec.name!r}: {error}", "Mend the YAML, or install the plugin that offers it.")
            continue
        if arena.name != spec.name:
            yield Fault(f"arena {spec.name!r} is called {arena.name!r} in its YAML", "Give both the same name.")


RECORD_RULES: list[Rule] = [makes_the_right_kind, configures_sources, tells_its_freshness, ships_valid_arenas]


def _kind_of(record: FactoryRecord) -> tuple[Callable[[Any], bool], str]:
    """What a record's factory has to be: a test, and the words for it."""
    match record:
        case SourceSpec():
            return _is_source, "a BaseSource subclass with `async fetch`"
        case AgentSpec():
            return _is_agent, "an Agent subclass with `async run`"
        case CommandSpec():
            return lambda found: isinstance(found, click.Command), "a click command or group"
        case ArenaSpec() | TriggerTemplatesSpec() | DashboardRouterSpec():
            return lambda found: _takes(found, 0), "callable without arguments"
        case LLMProviderSpec():
            return lambda found: _takes(found, 1), "callable with the LLMSettings"
        case _:
            return lambda found: _takes(found, 1), "callable with the AppContext"


def _is_source(found: Any) -> bool:
    return isinstance(found, type) and inspect.iscoroutinefunction(getattr(found, "fetch", None))


def _is_agent(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Agent) and not inspect.isabstract(found)


def _takes(found: Any, arguments: int) -> bool:
    try:
        inspect.signature(found).bind(*[None] * arguments)
    except (TypeError, ValueError):
        return False
    return True


def _sources(subject: Subject) -> Iterator[tuple[str, type[Any]]]:
    """The classes of its sources; those that MAF-P07 refuses are left to it."""
    for spec in subject.of_kind(SourceSpec):
        try:
            found = spec.load()
        except MAFError:
            continue
        if _is_source(found):
            yield spec.name, found


def _refuses_unknown_keys(config: type[BaseModel]) -> bool:
    try:
        config.model_validate({STRAY_KEY: 1})
    except ValidationError as error:
        return any(item["loc"] == (STRAY_KEY,) for item in error.errors())
    return False
