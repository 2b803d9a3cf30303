"""The frozen records that hooks return.

A record names a thing and says how to make it. `factory` is a dotted path ("package.module:attribute") or a
callable; a dotted path is imported on first use, so listing plugins imports nothing heavy. A kind without fields of
its own is no dataclass: making one costs every command half a millisecond.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from maf_core.errors import PluginError

Factory = str | Callable[..., Any]
RecordT = TypeVar("RecordT", bound="Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all records share.

    `name` is unique within its hook, over all plugins. `priority` orders records where order matters
    (routers, risk checks): lower comes first, ties go by name.
    """

    name: str
    summary: str = ""
    version: str = "1"
    priority: int = 100

    @property
    def origin(self) -> str:
        """Where what it stands for comes from, for people."""
        return "the plugin"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryRecord(Record):
    """A record of something that is made: `factory` points to what makes it."""

    factory: Factory

    @property
    def origin(self) -> str:
        """The dotted path of its factory."""
        return self.factory if isinstance(self.factory, str) else "a function of the plugin"

    def load(self) -> Any:
        """Import and return what `factory` points to.

        Raises `PluginError` when the path cannot be imported.
        """
        return resolve(self.factory)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec(FactoryRecord):
    """A source adapter; the factory is a `BaseSource` subclass.

    `replaced_by`: what to bind instead; one that has been replaced still works, and is not offered for new bindings.
    """

    replaced_by: str = ""


class AgentSpec(FactoryRecord):
    """An agent role that arenas name in YAML; the factory is an `Agent` subclass."""

    __slots__ = ()


class ArenaSpec(FactoryRecord):
    """An arena that a plugin ships; the factory gives the path of its YAML file."""

    __slots__ = ()


class RefresherSpec(FactoryRecord):
    """Keeps a cache warm for watched targets; the factory makes a worker from an `AppContext`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec(FactoryRecord):
    """An outbox for arenas with this `target_key`; `"*"` takes what no other router takes."""

    target_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherSpec(FactoryRecord):
    """Publishes the versioned envelope of one arena."""

    arena: str


class WorkerSpec(FactoryRecord):
    """A long-running part of the service; the factory makes a worker from an `AppContext`."""

    __slots__ = ()


class RiskCheckSpec(FactoryRecord):
    """One named check of the risk gate; the factory makes it from an `AppContext`."""

    __slots__ = ()


class CommandSpec(FactoryRecord):
    """A `maf NAME` command; the factory is a click command or group."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec(Record):
    """A stream that people may want to look at."""

    stream: str

    @property
    def origin(self) -> str:
        """The name of the stream."""
        return self.stream


class TriggerTemplatesSpec(FactoryRecord):
    """Ready-made trigger rules; the factory gives the path of their YAML file."""

    __slots__ = ()


class LLMProviderSpec(FactoryRecord):
    """Where models answer: `model: NAME:…` in an arena; the factory makes it from an `AppContext`'s settings."""

    __slots__ = ()


class MemoryBackendSpec(FactoryRecord):
    """Remembers decisions and what came of them; the factory makes it from an `AppContext`."""

    __slots__ = ()


class DashboardRouterSpec(FactoryRecord):
    """Routes of the dashboard under `/api/NAME`; the factory makes a FastAPI `APIRouter`."""

    __slots__ = ()


def resolve(factory: Factory) -> Any:
    """Return the object a factory stands for, importing it when it is a dotted path."""
    if not isinstance(factory, str):
        return factory
    module, _, attribute = factory.partition(":")
    try:
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found
    except Exception as error:  # a plugin's module may raise whatever it likes
        raise PluginError(
            f"{factory!r} cannot be imported: {error}. Fix the factory path or install what it needs."
        ) from error


def by_priority(records: Mapping[str, RecordT]) -> list[RecordT]:
    """Records in the order in which they apply: by priority, then by name."""
    return sorted(records.values(), key=lambda record: (record.priority, record.name))
