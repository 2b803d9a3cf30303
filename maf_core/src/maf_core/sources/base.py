"""The base of every source adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

from maf_core.sources.freshness import FreshnessSpec


class SourceConfig(BaseModel):
    """Base of a source's configuration; what an arena's binding may set. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class SourceQuery:
    """What an agent asks: about this target, as known at this moment (UTC), never later."""

    target: Mapping[str, Any]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What a source knows.

    `data` is plain JSON, None when there is nothing. `as_of`: when the newest part of it became known. `gaps`: markers
    of what is missing or old: `no_<source>`, `stale_<source>`, `parse_fail_<source>`. `size_bytes`: how much was read.
    """

    data: Any
    as_of: datetime | None = None
    gaps: tuple[str, ...] = field(default=())
    size_bytes: int = 0


class BaseSource(ABC):
    """Reads one kind of data. One instance serves all runs of a service that bind it with the same configuration.

    Subclasses set `name` and `Config`, and implement `fetch` and `freshness_spec`. `untrusted`: whether the answers
    carry text that others wrote, such as news: what rests on it may make a panel more careful, never bolder.
    """

    name: ClassVar[str]
    Config: ClassVar[type[SourceConfig]] = SourceConfig
    untrusted: ClassVar[bool] = False

    def __init__(self, redis: Redis, config: SourceConfig) -> None:
        self.redis = redis
        self.config = config

    @classmethod
    def freshness_spec(cls, config: Any) -> FreshnessSpec:
        """Where to look for how fresh this source's data is. Implement it.

        Adapters from before it existed get what is known of their name, else `UnknownFreshness`.
        """
        from maf_core.sources.legacy import known_freshness

        return known_freshness(getattr(cls, "name", ""), config)

    @abstractmethod
    async def fetch(self, query: SourceQuery) -> SourceResult:
        """Answer as of `query.as_of`.

        Missing data is an answer with a gap marker, not an exception; an exception is counted as a failed call.
        """
