"""Makes sources by name and configuration, one instance for each distinct pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core.errors import ConfigError
from maf_core.plugins import PluginManager
from maf_core.records import SourceSpec
from maf_core.settings import explain
from maf_core.sources.base import BaseSource, SourceConfig


def configured(
    plugins: PluginManager, name: str, config: Mapping[str, Any] | None
) -> tuple[type[BaseSource], SourceConfig]:
    """The source's class and its validated configuration.

    Raises `UnknownNameError` for a name nobody registered and `ConfigError` for a wrong configuration.
    """
    kind: type[BaseSource] = plugins.get("maf_sources", SourceSpec, name).load()
    try:
        return kind, kind.Config.model_validate(dict(config or {}))
    except ValidationError as error:
        raise ConfigError(f"The configuration of source {name!r} is not valid: {explain(error)}") from error


class SourceCatalog:
    """The sources of one application."""

    def __init__(self, redis: Redis, plugins: PluginManager) -> None:
        self._redis = redis
        self._plugins = plugins
        self._made: dict[tuple[str, str], BaseSource] = {}

    def get(self, name: str, config: Mapping[str, Any] | None = None) -> BaseSource:
        """The source of this name and configuration; raises as `configured` does."""
        kind, parsed = configured(self._plugins, name, config)
        key = (name, parsed.model_dump_json())
        if key not in self._made:
            self._made[key] = kind(self._redis, parsed)
        return self._made[key]
