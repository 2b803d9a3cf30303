"""Sources and a model that answer what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from maf_core.context import AppContext
from maf_core.errors import LLMError
from maf_core.llm.base import Answer, OutputT, Question
from maf_core.sources.base import BaseSource, SourceConfig, SourceQuery, SourceResult
from maf_core.sources.catalog import SourceCatalog
from maf_core.sources.freshness import ExternalFreshness

if TYPE_CHECKING:
    from maf_core.llm.service import LLMService


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


def with_model(context: AppContext, model: GivenModel | None) -> AppContext:
    """The application, with this model in place of its own; as it is when there is none."""
    return replace(context, llm=cast("LLMService", model)) if model else context


class GivenModel:
    """Gives one answer to every question, or none (`says` is None). Stands in for an application's models.

    `wanted`: whether a model is configured at all.
    """

    def __init__(self, says: Mapping[str, Any] | None, *, wanted: bool = True) -> None:
        self._says = says
        self._wanted = wanted
        self.asked = 0

    def session(self, **about: Any) -> GivenModel:
        """The models of one run."""
        return self

    def wants_model(self, agent_model: str | None) -> bool:
        """Whether a model is configured."""
        return self._wanted

    def usage(self) -> dict[str, Any]:
        """Nothing was spent."""
        return {}

    async def ask(self, question: Question[OutputT]) -> Answer[OutputT]:
        """The answer, as the question wants it. Raises `LLMError` when there is none."""
        self.asked += 1
        if self._says is None:
            raise LLMError("The model cannot be asked.")
        return Answer(question.output.model_validate(self._says), "given:model")
