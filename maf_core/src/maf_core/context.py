"""What the factories of workers, refreshers, outboxes, publishers and risk checks are given."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.asyncio import Redis

from maf_core.clock import ServiceClock
from maf_core.config_folder import ConfigFolder
from maf_core.llm.service import LLMService
from maf_core.plugins import PluginManager
from maf_core.settings import Settings
from maf_core.sources.catalog import SourceCatalog
from maf_core.streams.consume import ConsumerOptions, GroupConsumer
from maf_core.streams.events import MAXLEN, EventBus
from maf_core.streams.names import EVENTS
from maf_core.telemetry.tracer import Tracer, tracer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maf_core.arenas.config import ArenaConfig
    from maf_core.plane.firing import Shortcut


def _name() -> str:
    # Containers share pids, and some their host's name: what nobody else is called is chosen by chance.
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


@dataclass(slots=True)
class Near:
    """What a worker offers to the others of its process while it runs."""

    shortcut: Shortcut | None = None


@dataclass(frozen=True, slots=True)
class AppContext:
    """One application's parts. Nothing in MAF reaches for a global; it asks its context.

    `arenas` are those in use now: a reload changes them in place.
    """

    redis: Redis
    settings: Settings
    plugins: PluginManager
    sources: SourceCatalog
    events: EventBus
    clock: ServiceClock
    llm: LLMService
    arenas: dict[str, ArenaConfig] = field(default_factory=dict)
    tracer: Tracer = field(default_factory=Tracer)
    config: ConfigFolder = field(default_factory=ConfigFolder)
    consumer_name: str = field(default_factory=_name)
    near: Near = field(default_factory=Near)

    @classmethod
    def create(
        cls,
        redis: Redis,
        settings: Settings,
        plugins: PluginManager,
        arenas: dict[str, ArenaConfig] | None = None,
        config: ConfigFolder | None = None,
    ) -> AppContext:
        """Wire the parts together around one connection. `config`: the folder the arenas come from."""
        sources = SourceCatalog(redis, plugins)
        tracer = tracer_of(settings.telemetry)
        llm = LLMService(redis, settings.llm, plugins, tracer=tracer, data_dir=settings.data_dir)
        events = EventBus(redis, maxlen=settings.stream_maxlens.get(EVENTS, MAXLEN))
        clock, config = ServiceClock(redis), config or ConfigFolder()
        return cls(redis, settings, plugins, sources, events, clock, llm, arenas or {}, tracer, config)

    def consumer(
        self,
        group: str,
        streams: Sequence[str],
        *,
        start: str,
        concurrency: int = 1,
        batch: int = 64,
        spare: int = 0,
    ) -> GroupConsumer:
        """A consumer of `group` under this application's name, with the configured lease."""
        options = ConsumerOptions(
            start=start,
            lease_s=self.settings.lease_s,
            concurrency=concurrency,
            batch=batch,
            own_name=True,
            spare=spare,
        )
        return GroupConsumer(self.redis, group, streams, self.consumer_name, options)
