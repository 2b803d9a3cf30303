"""The core's own parts, offered through the same hooks as everybody else's."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core.hookspecs import hookimpl
from maf_core.records import (
    AgentSpec,
    ChannelSpec,
    DashboardRouterSpec,
    LLMProviderSpec,
    RiskCheckSpec,
    RouterSpec,
    WorkerSpec,
)
from maf_core.streams.names import (
    ACTIONS,
    APPROVALS,
    CONTROL_IN,
    CONTROL_OUT,
    DEAD,
    DECISIONS,
    EVENTS,
    EXECUTIONS,
    OUTCOMES,
)


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
    yield AgentSpec(
        name="analyst",
        factory="maf_core.agents.analyst:AnalystAgent",
        summary="A specialist without code: instructions in YAML, judged by a model",
    )
    yield AgentSpec(
        name="debater",
        factory="maf_core.agents.debater:DebaterAgent",
        summary="Argues a side of what the panel said, over the rounds of a debate",
    )
    yield AgentSpec(
        name="judge",
        factory="maf_core.agents.judge:JudgeAgent",
        summary="Confidence-weighted ensemble of the debaters' last turns",
    )


@hookimpl
def maf_llm_providers() -> Iterator[LLMProviderSpec]:
    """Where models answer."""
    yield LLMProviderSpec(
        name="ollama",
        factory="maf_core.llm.providers.ollama:OllamaModels",
        summary="An Ollama daemon, or Ollama's cloud",
    )
    yield LLMProviderSpec(
        name="openai",
        factory="maf_core.llm.providers.openai:OpenAIModels",
        summary="OpenAI, and whatever speaks as it does",
    )
    yield LLMProviderSpec(
        name="local",
        factory="maf_core.llm.providers.local:LocalModels",
        summary="A small model on this machine, served by llama.cpp",
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
        "trading_state": ("limits", "HALTED: nothing is traded; REDUCING: only what closes an open position"),
        "mode": ("checks", "semi waits for a person; manual is recorded, not executed"),
        "max_size": ("checks", "the size is within risk.max_size_fraction"),
        "min_confidence": ("checks", "a BUY or SELL is at least risk.min_confidence sure"),
        "fresh_inputs": ("checks", "no required input was missing or old"),
        "max_age": ("checks", "the decision is no older than risk.max_age_s"),
        "duplicate": ("limits", "one trade per arena, ticker and trade date"),
        "ticker_exposure": ("limits", "what is open in the ticker stays within risk.max_ticker_exposure"),
        "total_exposure": ("limits", "everything open stays within risk.max_exposure"),
        "actions_per_hour": ("limits", "no more than risk.max_actions_per_hour go out within an hour"),
        "loss_limit": ("limits", "less than risk.max_loss was lost within risk.loss_window_h"),
        "price_sanity": ("market", "the price decided on is within risk.max_price_gap of the last one known"),
        "market_hours": ("market", "the exchange is open, by risk.market_hours"),
    }
    for order, (name, (module, summary)) in enumerate(checks.items()):
        factory = f"maf_core.outbox.{module}:" + "".join(part.title() for part in name.split("_")) + "Check"
        yield RiskCheckSpec(name=name, factory=factory, summary=summary, priority=10 * (order + 1))


@hookimpl
def maf_workers() -> Iterator[WorkerSpec]:
    """The workers that carry a change from a stream to an execution."""
    yield WorkerSpec(
        name="triggers", factory="maf_core.plane.triggers:TriggerDispatcher", summary="rules → maf:control:in"
    )
    yield WorkerSpec(
        name="control", factory="maf_core.control.inbox:ControlInbox", summary="maf:control:in → arena runs"
    )
    yield WorkerSpec(
        name="actions",
        factory="maf_core.outbox.execution:ActionConsumer",
        summary="actions → risk gate → executions",
    )
    yield WorkerSpec(
        name="approvals",
        factory="maf_core.outbox.approvals:ApprovalClerk",
        summary="what people approve or reject, and what expires → executions",
    )
    yield WorkerSpec(
        name="positions",
        factory="maf_core.outbox.positions:PositionKeeper",
        summary="outcomes → the risk gate's open positions and losses",
    )
    yield WorkerSpec(
        name="memory", factory="maf_core.plane.remembering:OutcomeKeeper", summary="outcomes → memories of decisions"
    )
    yield WorkerSpec(name="trimmer", factory="maf_core.trim:StreamTrimmer", summary="keeps streams bounded")


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The streams that the core itself reads and writes."""
    streams = {
        CONTROL_IN: "Commands: run an arena, ping",
        CONTROL_OUT: "Answers to commands: accepted, completed, failed, rejected",
        EVENTS: "What happens, as it happens; best effort",
        ACTIONS: "Trading actions of arenas about tickers, before the risk gate",
        APPROVALS: "What people say to actions that wait for them",
        DECISIONS: "Decisions of all other arenas",
        EXECUTIONS: "Actions after the risk gate, with every check",
        OUTCOMES: "Fills and closes, from whoever trades",
        DEAD: "Entries that could not be handled, with origin and reason",
    }
    for stream, summary in streams.items():
        yield ChannelSpec(name=stream.removeprefix("maf:").replace(":", "_"), stream=stream, summary=summary)


@hookimpl
def maf_dashboard_routers() -> Iterator[DashboardRouterSpec]:
    """What the dashboard says about the system itself."""
    summaries = {
        "system": "Redis, services, workers, and what asks for a person",
        "modules": "The plugins and what each gives",
        "channels": "The streams, how long and how old, and what is on them",
        "streams": "What is wrong with the streams, and what was given up",
    }
    for name, summary in summaries.items():
        yield DashboardRouterSpec(name=name, factory=f"maf_core.dashboard.routers.{name}:make_router", summary=summary)
