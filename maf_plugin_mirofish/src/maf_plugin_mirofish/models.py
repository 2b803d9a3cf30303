"""What MiroFish answers, as far as it is read here. Keys that are missing or new do no harm; wrong types do."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _text(value: Any) -> Any:
    return "" if value is None else value


def _object(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, BeforeValidator(_text)]


class Answer(BaseModel):
    """Base: unknown keys are ignored, null text is empty."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Task(Answer):
    """Background work. `status`: pending, processing, completed or failed; in /prepare/status also ready, not_started.

    `updated_at` is local time without a zone: compared with itself only.
    """

    status: Text = ""
    progress: float = 0
    message: Text = ""
    updated_at: Text = ""
    error: Text = ""
    result: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(default_factory=dict)


class Project(Answer):
    """`status`: created, ontology_generated, graph_building, graph_completed or failed."""

    project_id: str
    name: Text = ""
    status: Text = ""
    graph_id: Text = ""
    graph_build_task_id: Text = ""
    error: Text = ""


class Started(Answer):
    """What was begun in the background: `task_id` is empty when it was done already."""

    task_id: Text = ""
    report_id: Text = ""
    status: Text = ""
    already_prepared: bool = False
    already_generated: bool = False


class Simulation(Answer):
    """`status`: created, preparing, ready, running, paused, stopped, completed or failed."""

    simulation_id: str
    project_id: Text = ""
    status: Text = ""
    error: Text = ""


class RunState(Answer):
    """`runner_status`: idle, starting, running, paused, stopping, stopped, completed or failed."""

    runner_status: Text = ""
    current_round: float = 0
    total_actions_count: float = 0
    updated_at: Text = ""
    error: Text = ""


class AgentConfig(Answer):
    """One simulated person."""

    agent_id: int


class SimulationConfig(Answer):
    """Who takes part."""

    agent_configs: list[AgentConfig] = Field(default_factory=list)


class Outline(Answer):
    """What a report is called and says in short."""

    title: Text = ""
    summary: Text = ""


class MadeReport(Answer):
    """`status`: pending, planning, generating, completed or failed."""

    report_id: str
    status: Text = ""
    outline: Outline | None = None
    error: Text = ""


class ReportCheck(Answer):
    """Whether there is a report of a simulation."""

    has_report: bool = False
    report_status: Text = ""
    report_id: Text = ""


class Said(Answer):
    """What one agent answered."""

    agent_id: int
    response: Text = ""
    prompt: Text = ""


class ChatAnswer(Answer):
    """What the author of the report answered."""

    response: Text = ""
