"""A run: one report on its way through MiroFish, kept so that any worker can go on with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

Asked = Literal["agents", "report"]


class Spoken(BaseModel):
    """What somebody said in answer to the question."""

    who: str
    text: str


class Progress(BaseModel):
    """How far a run has come, in the order in which things are made: what rests on something stands below it."""

    ontology_asked_at: float = 0.0
    project_id: str = ""
    graph_task_id: str = ""
    graph_id: str = ""
    simulation_id: str = ""
    prepare_task_id: str = ""
    prepared: bool = False
    started: bool = False
    finished: bool = False
    report_task_id: str = ""
    report_id: str = ""
    title: str = ""
    summary: str = ""
    reported: bool = False
    asked_of: Asked | None = None
    asked: list[int] = Field(default_factory=list)
    answers: list[Spoken] = Field(default_factory=list)
    answered: bool = False

    def forget(self, field: str) -> None:
        """Drop a thing and everything that rests on it."""
        names = list(type(self).model_fields)
        for name in names[names.index(field) :]:
            setattr(self, name, type(self).model_fields[name].get_default(call_default_factory=True))


class Run(BaseModel):
    """One report and what has become of it.

    `day`: whose budget it was begun on; empty while it waits. `attempts`: how often each stage has gone wrong. `redo`:
    the stages whose results so far are not to be trusted. `outcome`: what is published in the end. `owner`: what a
    worker shows to prove that it holds the run; never saved.
    """

    id: str
    symbol: str
    symbols: list[str]
    title: str
    text: str
    known_at: datetime
    accepted_at: datetime
    begun_at: datetime | None = None
    day: str = ""
    attempts: dict[str, int] = Field(default_factory=dict)
    redo: list[str] = Field(default_factory=list)
    progress: Progress = Field(default_factory=Progress)
    outcome: dict[str, Any] | None = None
    owner: str = Field("", exclude=True)

    def again(self, stage: str) -> bool:
        """Whether the stage has failed before, so that what it left is not to be trusted."""
        return stage in self.redo

    def seconds_since(self, moment: datetime | None) -> float:
        """How long ago a moment was, by the wall."""
        return (datetime.now(UTC) - (moment or self.accepted_at)).total_seconds()
