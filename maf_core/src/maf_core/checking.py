"""Whether everything an arena names is there, so that a mistake shows before the first run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from maf_core.agents.base import AgentOptions
from maf_core.arenas.config import AgentConfig, ArenaConfig, BindingConfig, read_arena
from maf_core.arenas.fitting import members
from maf_core.errors import ConfigError, MAFError
from maf_core.mistakes import Mistake, mistakes_in, told
from maf_core.plane.triggers import rule_mistakes
from maf_core.plugins import PluginManager
from maf_core.records import AgentSpec, MemoryBackendSpec, SourceSpec
from maf_core.sources.catalog import configured
from maf_core.yaml_lines import Document, Location


def check_arena(plugins: PluginManager, arena: ArenaConfig) -> None:
    """Raise `ConfigError`, a line for each thing the arena names that is not there or does not fit."""
    mistakes = list(_mistakes(plugins, arena))
    if mistakes:
        raise ConfigError(told(arena.document, mistakes, f"arena {arena.name!r}"))


def load_checked(plugins: PluginManager, path: Path) -> ArenaConfig:
    """Read an arena and check it. Raises `ConfigError` with everything that is wrong, a line for each mistake."""
    arena, mistakes, document = read_arena(path)
    if arena is not None:
        mistakes += _mistakes(plugins, arena)
    if mistakes or arena is None:
        raise ConfigError(told(document, mistakes, str(path)))
    return arena


def _mistakes(plugins: PluginManager, arena: ArenaConfig) -> Iterator[Mistake]:
    for name, binding in arena.sources.items():
        yield from _of_binding(plugins, arena.document, ("sources", name), binding)
    for at, agent in members(arena):
        yield from _of_agent(plugins, arena, at, agent)
    if arena.memory:
        backend = arena.memory.backend
        yield from _raised(
            ("memory", "backend"), lambda: plugins.get("maf_memory_backends", MemoryBackendSpec, backend)
        )
    for index, rule in enumerate(arena.triggers):
        for mistake in rule_mistakes(arena, rule):
            yield Mistake(("triggers", index, *mistake.at), mistake.words)


def _of_binding(plugins: PluginManager, document: Document, at: Location, binding: BindingConfig) -> Iterator[Mistake]:
    if binding.optional and binding.source not in plugins.records("maf_sources", SourceSpec):
        return
    try:
        kind = plugins.get("maf_sources", SourceSpec, binding.source).load()
    except MAFError as error:
        yield Mistake((*at, "source"), str(error))
        return
    made = _Made("config", kind.Config, document)
    yield from _raised(at, lambda: configured(plugins, binding.source, binding.config), made)


def _of_agent(plugins: PluginManager, arena: ArenaConfig, at: Location, agent: AgentConfig) -> Iterator[Mistake]:
    try:
        kind = plugins.get("maf_agents", AgentSpec, agent.role).load()
    except MAFError as error:
        yield Mistake((*at, "role"), str(error))
        return
    made = _Made("options", getattr(kind, "Options", AgentOptions), arena.document)
    yield from _raised(at, lambda: kind(agent).check(arena), made)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a plugin makes of the mapping under `key`."""

    key: str
    model: type[BaseModel]
    document: Document


def _raised(at: Location, check: Callable[[], Any], made: _Made | None = None) -> Iterator[Mistake]:
    """What a check of the part at this place raises, as mistakes."""
    try:
        check()
    except MAFError as error:
        cause = error.__cause__
        if made and isinstance(cause, ValidationError):
            yield from mistakes_in(cause.errors(), made.model, made.document, (*at, made.key))
        else:
            yield Mistake((*at, *getattr(error, "at", ())), str(error))
