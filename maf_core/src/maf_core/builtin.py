"""The core's own parts, offered through the same hooks as everybody else's."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core.hookspecs import hookimpl
from maf_core.records import AgentSpec, RiskCheckSpec, RouterSpec, WorkerSpec


@hookimpl
def maf_agents() -> Iterator[AgentSpec]:
    """The agents every arena can use."""
    yield AgentSpec(
        name="synthesis",
        factory="maf_core.agents.synthesis:SynthesisAgent",
        summary="Confidence-weighted ensemble of the specialists' signals",
    )
    yield AgentSpec(
        name="replan",
        factory="maf_core.agents.replan:ReplanAgent",
        summary="Sends a weak verdict back for another round when data was missing",
    )


@hookimpl
def maf_outbox_routers() -> Iterator[RouterSpec]:
    """Tickers become trading actions, everything else a generic decision."""
    yield RouterSpec(
        name="actions",
        target_key="ticker",
        factory="maf_core.outbox.outboxes:ActionOutbox",
        summary="maf:actions:out",
    )
    yield RouterSpec(
        name="decisions",
        target_key="*",
        factory="maf_core.outbox.outboxes:DecisionOutbox",
        summary="maf:decisions:out",
        priority=1000,
    )


@hookimpl
def maf_risk_checks() -> Iterator[RiskCheckSpec]:
    """The checks every action passes through."""
    checks = {
        "mode": "manual actions are recorded, not executed",
        "max_size": "the size is within risk.max_size_fraction",
        "min_confidence": "a BUY or SELL is at least risk.min_confidence sure",
        "fresh_inputs": "no required input was stale",
        "duplicate": "one action per arena, ticker and trade date",
    }
    for order, (name, summary) in enumerate(checks.items()):
        factory = "maf_core.outbox.checks:" + "".join(part.title() for part in name.split("_")) + "Check"
        yield RiskCheckSpec(name=name, factory=factory, summary=summary, priority=10 * (order + 1))


@hookimpl
def maf_workers() -> Iterator[WorkerSpec]:
    """The workers that carry a change from a stream to an execution."""
    yield WorkerSpec(
        name="triggers", factory="maf_core.plane.triggers:TriggerDispatcher", summary="rules → maf:control:in"
    )
    yield WorkerSpec(name="control", factory="maf_core.app:ControlInbox", summary="maf:control:in → arena runs")
    yield WorkerSpec(
        name="actions",
        factory="maf_core.outbox.execution:ActionConsumer",
        summary="actions → risk gate → executions",
    )
    yield WorkerSpec(name="trimmer", factory="maf_core.trim:StreamTrimmer", summary="keeps streams bounded")
