"""What all agents that ask a model share: whether they may, whose words they read, and what is left of a failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from maf_core.agents.base import State
from maf_core.agents.quoting import clean
from maf_core.errors import BadAnswerError, LLMError, NoModelError
from maf_core.llm.base import Answer, OutputT, Question

if TYPE_CHECKING:
    from maf_core.arenas.config import BindingConfig
    from maf_core.arenas.run import RunContext


def wants_model(model: str | None, context: RunContext) -> bool:
    """Whether a model is configured for an agent that names `model`; "rules" is none."""
    return context.llm is not None and context.llm.wants_model(model)


async def ask(question: Question[OutputT], context: RunContext) -> Answer[OutputT]:
    """The model's answer. Raises `LLMError`: it cannot be asked, costs too much, or its answers do not fit."""
    if context.llm is None:
        raise NoModelError("This application has no language models.")
    answer: Answer[OutputT] = await context.llm.ask(question)
    return answer


def reads_text(bindings: Iterable[str], context: RunContext) -> bool:
    """Whether one of the bindings carries text that others wrote."""
    return any(_carries_text(context.arena.sources[binding], context) for binding in bindings)


def spoken(state: State, context: RunContext) -> list[State]:
    """The signals of all who gave one, by agent.

    Those of agents that are bound to text are marked as untrusted, whatever the agent itself says of them.
    """
    agents = {agent.name: agent for phase in context.arena.phases for agent in phase.agents}
    found = [signal for _, signal in sorted(state.get("signals", {}).items()) if signal]
    bound = {name for name, agent in agents.items() if reads_text(agent.sources, context)}
    return [{**signal, "untrusted": True} if signal["agent"] in bound else signal for signal in found]


def _carries_text(bound: BindingConfig, context: RunContext) -> bool:
    try:
        return context.app.sources.get(bound.source, bound.config).untrusted
    except Exception:  # noqa: BLE001
        return False  # a source is a plugin's code; one that cannot be made has given no text either


def why(error: LLMError) -> str:
    """The failure in at most 300 characters that everybody can see: its message may hold what a model wrote."""
    return clean(f"{type(error).__name__}: {error}", 300)


def failed(agent: str, error: LLMError, *, retry: bool = True) -> State:
    """The patch that makes a failure visible under `llm_failed.<agent>`.

    An answer that never fitted leaves the marker `parse_fail_<agent>` under `agent_gaps.<agent>`, for which a replan
    may look again, unless `retry` is false.
    """
    marker = [f"parse_fail_{agent}"] if retry and isinstance(error, BadAnswerError) else []
    return {"llm_failed": {agent: why(error)}, "agent_gaps": {agent: marker}}


def succeeded(agent: str) -> State:
    """The patch after an answer: no failure of an earlier round stands any more."""
    return {"llm_failed": {agent: None}, "agent_gaps": {agent: []}}
