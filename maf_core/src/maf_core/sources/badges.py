"""How fresh the sources are that somebody has bound: a badge for each binding."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.errors import MAFError
from maf_core.plugins import PluginManager
from maf_core.records import SourceSpec
from maf_core.sources.catalog import configured
from maf_core.sources.freshness import FreshnessSpec, probe
from maf_core.sources.legacy import freshness_of

# A source's name, and what the binding sets.
Bound = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Badge:
    """What a binding reads and how fresh that is.

    `kind`: stream, key, scan, request_response, external or unknown. `count`: entries of the stream, or keys; None
    where nothing is kept here. `age_s`: seconds since the newest was written, None when nobody knows. `replaced_by`:
    what to bind instead. `fault`: why it cannot be told.
    """

    binding: str
    source: str
    kind: str = "unknown"
    count: int | None = None
    age_s: float | None = None
    replaced_by: str = ""
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        """The badge in a few words."""
        if self.fault:
            return f"cannot be told: {self.fault}"
        if self.replaced_by:
            return f"replaced: bind {self.replaced_by} instead"
        if self.count is None:
            return "asked at every call" if self.kind == "external" else "unknown"
        what = "entries" if self.kind in ("stream", "request_response") else "keys"
        return f"{self.count:,} {what}" + (f", newest {_ago(self.age_s)}" if self.age_s is not None else "")


async def badges(redis: Redis, plugins: PluginManager, bound: Mapping[str, Bound]) -> list[Badge]:
    """The badges of these bindings, in their order; what is wrong with one is in its `fault`."""
    return list(await asyncio.gather(*(_badge(redis, plugins, name, *at) for name, at in bound.items())))


async def _badge(redis: Redis, plugins: PluginManager, binding: str, source: str, config: Mapping[str, Any]) -> Badge:
    try:
        kind, parsed = configured(plugins, source, config)
        spec: FreshnessSpec = freshness_of(source, kind, parsed)
        found = await probe(redis, spec)
    except (MAFError, ResponseError) as error:
        return Badge(binding, source, fault=str(error))
    instead = plugins.get("maf_sources", SourceSpec, source).replaced_by
    count = None if found.kind in ("external", "unknown") else found.count
    return Badge(binding, source, found.kind, count, found.age_s, instead)


def _ago(seconds: float) -> str:
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{seconds:.0f} s ago"
