"""What the public says of models: how much they are used, and how they do in benchmarks.

Usage is from OpenRouter (openrouter.ai/rankings, CC BY 4.0), scores are from Artificial Analysis
(artificialanalysis.ai). Both are joined to a provider's catalogue by the names of models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from maf_core.llm.profiles import Dimension
from maf_core.llm.rankings_names import ModelName, NameIndex, normalised

_LARGEST = 5000


class ModelScores(BaseModel):
    """How one model does. Indices go from 0 to 100; `speed` is the median of output tokens a second."""

    model_config = ConfigDict(frozen=True)

    name: str
    slug: str = ""
    intelligence: float | None = None
    coding: float | None = None
    agentic: float | None = None
    speed: float | None = None

    def better(self, other: ModelScores) -> ModelScores:
        """The best of both in each dimension: one model is measured at several levels of effort."""
        best = {
            name: max((one for one in (getattr(self, name), getattr(other, name)) if one is not None), default=None)
            for name in ("intelligence", "coding", "agentic", "speed")
        }
        return self.model_copy(update=best)


class Part(BaseModel):
    """What one service said. `fetched_at`, `tried_at`: Unix seconds; `problem`: why there is nothing newer."""

    fetched_at: float = 0.0
    tried_at: float = 0.0
    as_of: str = ""
    problem: str = ""


class UsagePart(Part):
    """Tokens of the last week by OpenRouter's name of the model."""

    tokens: dict[str, int] = Field(default_factory=dict, max_length=_LARGEST)


class ScoresPart(Part):
    """Scores as they were listed: a model may stand there more than once."""

    rows: list[ModelScores] = Field(default_factory=list, max_length=_LARGEST)


class Rankings(BaseModel):
    """Both parts; each may be empty, and then says why. `unkept`: why they are only in memory."""

    version: Literal[1] = 1
    usage: UsagePart = Field(default_factory=UsagePart)
    scores: ScoresPart = Field(default_factory=ScoresPart)
    unkept: str = Field("", exclude=True)

    def score(self, name: str, dimension: Dimension) -> float | None:
        """How the model of this name does in a dimension, higher is better; None when nobody says."""
        found = self._scores.get(name)
        value: float | None = getattr(found, dimension) if found else None
        return value

    def tokens(self, name: str) -> int:
        """How many tokens were spent with the model of this name in a week; 0 when it is not among the most used."""
        return self._tokens.get(name) or 0

    @property
    def problems(self) -> list[str]:
        """Why something is missing or old, in sentences."""
        return [problem for problem in (self.scores.problem, self.usage.problem, self.unkept) if problem]

    @property
    def credits(self) -> list[str]:
        """The sources as they want to be named."""
        lines = []
        if self.scores.rows:
            lines.append(f"Source: Artificial Analysis (artificialanalysis.ai), as of {self.scores.as_of}.")
        if self.usage.tokens:
            lines.append(f"Source: OpenRouter (openrouter.ai/rankings), as of {self.usage.as_of}.")
        return lines

    @cached_property
    def _scores(self) -> NameIndex[ModelScores]:
        return NameIndex(_merged((name, row) for row in self.scores.rows for name in (row.name, row.slug) if name))

    @cached_property
    def _tokens(self) -> NameIndex[int]:
        return NameIndex(sorted(self.usage.tokens.items(), key=lambda item: -item[1]))


def _merged(rows: Iterable[tuple[str, ModelScores]]) -> Iterable[tuple[str, ModelScores]]:
    best: dict[ModelName, tuple[str, ModelScores]] = {}
    for name, row in rows:
        key = normalised(name)
        best[key] = (name, best[key][1].better(row) if key in best else row)
    return best.values()


def as_number(value: object) -> float | None:
    """A number from what a service sent as a number or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e18 else None


def dig(row: Mapping[str, object], *path: str) -> object:
    """What stands at the path of keys; None when something on the way is missing."""
    found: object = row
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
