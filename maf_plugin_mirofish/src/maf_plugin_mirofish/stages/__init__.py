"""The five stages of a simulation, in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from maf_plugin_mirofish.run import Progress
from maf_plugin_mirofish.stages.environment import environment
from maf_plugin_mirofish.stages.graph import graph
from maf_plugin_mirofish.stages.opinion import opinion
from maf_plugin_mirofish.stages.report import report
from maf_plugin_mirofish.stages.simulation import simulation
from maf_plugin_mirofish.stages.work import Work

__all__ = ["STAGES", "Stage", "Work", "next_stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """`done`: the last thing a stage writes down. `handle`: the first thing to drop when it must be done anew."""

    name: str
    work: Callable[[Work], Awaitable[None]]
    done: str
    handle: str


STAGES = (
    Stage("graph", graph, done="graph_id", handle="graph_task_id"),
    Stage("environment", environment, done="prepared", handle="prepare_task_id"),
    Stage("simulation", simulation, done="finished", handle="started"),
    Stage("report", report, done="reported", handle="report_task_id"),
    Stage("opinion", opinion, done="answered", handle="asked_of"),
)


def next_stage(progress: Progress) -> Stage | None:
    """The first stage that is not done; None when all are."""
    return next((stage for stage in STAGES if not getattr(progress, stage.done)), None)
