"""Sources that answer what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maf_core.context import AppContext
from maf_core.sources.base import BaseSource, SourceConfig, SourceQuery, SourceResult
from maf_core.sources.catalog import SourceCatalog
from maf_core.sources.freshness import ExternalFreshness


class GivenSource(BaseSource):
    """Gives one answer to every question."""

    def __init__(self, answer: SourceResult, context: AppContext) -> None:
        super().__init__(context.redis, SourceConfig())
        self._answer = answer

    @classmethod
    def freshness_spec(cls, config: Any) -> ExternalFreshness:
        """Nothing to probe."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The answer."""
        return self._answer


class _GivenSources(SourceCatalog):
    def __init__(self, context: AppContext, answers: Mapping[str, SourceResult]) -> None:
        super().__init__(context.redis, context.plugins)
        self._given = {name: GivenSource(answer, context) for name, answer in answers.items()}

    def get(self, name: str, config: Mapping[str, Any] | None = None) -> BaseSource:
        return self._given[name]


def with_answers(context: AppContext, answers: Mapping[str, SourceResult]) -> AppContext:
    """The application, with these answers in place of its sources."""
    return replace(context, sources=_GivenSources(context, answers))
