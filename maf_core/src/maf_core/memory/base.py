"""What a decision memory is: decisions with what came of them, and a place that keeps them and finds like ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from maf_core.clock import parse_time

Moment = Annotated[datetime, AfterValidator(parse_time)]


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, validate_by_name=True, serialize_by_alias=True
    )


class Outcome(_Record):
    """What came of a decision, known from `known_at` on (UTC).

    `return` is a fraction of what was put in (0.05 is 5 %), `pnl` money, `text` the same for people and models.
    """

    known_at: Moment
    return_: float | None = Field(None, alias="return")
    pnl: float | None = None
    closed_at: Moment | None = None
    text: str = ""


class Memory(_Record):
    """A decision: the run that made it (`arena_id`), when (`as_of`, UTC), in what `situation`, and what came of it.

    `untrusted`: the situation or the reasoning rests on text that others wrote.
    """

    arena_id: str = Field(min_length=1)
    arena: str
    target: dict[str, Any]
    as_of: Moment
    situation: str
    verdict: str
    confidence: float = Field(ge=0, le=1)
    reasoning: str = ""
    untrusted: bool = False
    outcome: Outcome | None = None

    def known_before(self, moment: datetime) -> Memory | None:
        """What a run at `moment` may recall of it: nothing unless it was decided before, no outcome learnt later.

        Before, not at: runs of one moment end in any order, and must not depend on which of them was first.
        """
        if self.as_of >= moment:
            return None
        if self.outcome is None or self.outcome.known_at < moment:
            return self
        return self.model_copy(update={"outcome": None})


@dataclass(frozen=True, slots=True)
class MemoryQuery:
    """What is asked of a memory: at most `limit` decisions of `arena` in a like `situation`, as known before `as_of`.

    With an empty situation all are equally alike: the newest come first.
    """

    arena: str
    target: dict[str, Any]
    situation: str
    as_of: datetime
    limit: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory, and how alike it is: at least 0, higher is more. Scores compare within one answer only."""

    memory: Memory
    score: float

    def payload(self) -> dict[str, Any]:
        """Both as plain JSON data."""
        return {"score": self.score, **self.memory.model_dump(mode="json")}


class MemoryBackend(ABC):
    """Keeps decisions and recalls like ones. Made anew whenever it is needed: what it knows lives on a server.

    It keeps so many of each arena as it is configured to, the newest by `as_of`.
    """

    @abstractmethod
    async def remember(self, memory: Memory) -> None:
        """Keep a decision. One that is known already stays as it is, with its outcome."""

    @abstractmethod
    async def outcome(self, arena_id: str, outcome: Outcome) -> None:
        """Add what came of a decision. The first outcome stays; that of an unknown decision is nothing."""

    @abstractmethod
    async def recall(self, query: MemoryQuery) -> list[Recalled]:
        """Like decisions of the query's arena as known before its `as_of`, in the order of `ranked`."""


def ranked(found: Iterable[Recalled], limit: int) -> list[Recalled]:
    """The first `limit`: the most alike, then the newest, then by id."""
    return sorted(found, key=_rank)[:limit]


def _rank(recalled: Recalled) -> tuple[float, float, str]:
    memory = recalled.memory
    return -recalled.score, -memory.as_of.timestamp(), memory.arena_id
