"""Panels whose models are functions, asked over the real session of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from maf_core import AgentSpec, LLMProviderSpec, SourceResult, SourceSpec
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunContext
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.plugins import Candidate, PluginManager, Selection

Says = Callable[[list[ModelMessage], AgentInfo], ModelResponse]


def final(info: AgentInfo, **answer: Any) -> ModelResponse:
    """The answer to the question."""
    return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, answer)])


def calls(*named: tuple[str, dict[str, Any]]) -> ModelResponse:
    """Calls of tools."""
    return ModelResponse(parts=[ToolCallPart(name, arguments) for name, arguments in named])


def told(messages: list[ModelMessage]) -> list[str]:
    """Every text that the model has been sent: prompts, tools' answers and what was wrong with its own."""
    parts = [part for message in messages if message.kind == "request" for part in message.parts]
    return [str(part.content) for part in parts]


@dataclass
class Asked:
    """One call of a model: what it was sent, and which tools it may call."""

    instructions: str
    texts: list[str]
    tools: list[str]


@dataclass
class Scripted:
    """The provider `scripted`, whose only model is a function; it keeps what it was asked."""

    says: Says
    asked: list[Asked] = field(default_factory=list)

    def provider(self) -> LLMProviderSpec:
        script = self

        class Provider(LLMProvider):
            name = "scripted"

            def model(self, name: str) -> FunctionModel:
                return FunctionModel(script.answer, model_name=name)

            async def catalogue(self) -> list[ModelInfo]:
                return [ModelInfo("scripted", "it")]

        return LLMProviderSpec(name="scripted", factory=Provider)

    def answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.asked.append(Asked(info.instructions or "", told(messages), [tool.name for tool in info.function_tools]))
        return self.says(messages, info)


@pytest.fixture
def say() -> SimpleNamespace:
    """What a model's function needs: `final(info, **answer)`, `calls((tool, arguments), …)`, `told(messages)`."""
    return SimpleNamespace(final=final, calls=calls, told=told)


@pytest.fixture
def scripted() -> Callable[[Says], Scripted]:
    """Make the provider `scripted` from a function of (messages, info)."""
    return Scripted


@pytest.fixture
def plugins_of(plugin_of: Callable[..., Any]) -> Callable[..., PluginManager]:
    """Load these records beside the core and the entry modules of installed plugins that are named."""

    def make(*records: Any, modules: tuple[Any, ...] = ()) -> PluginManager:
        made = [Candidate("made", "maf-made", "1", module=plugin_of(*records))]
        named = [Candidate(f"named{at}", f"maf-named{at}", "1", module=module) for at, module in enumerate(modules)]
        manager = PluginManager.load(Selection(), [*made, *named])
        assert not [row.reason for row in manager.rows if row.reason]
        return manager

    return make


@pytest.fixture
def member(make_context: Any, load: Any, source: Any, request_for: Any) -> Callable[..., Any]:
    """Run one agent by itself: `await member(role_class, says=…, answers={binding: SourceResult})`.

    Gives its patch, and what its model was asked.
    """

    async def run(
        kind: type,
        *,
        says: Says | None = None,
        answers: dict[str, SourceResult] | None = None,
        state: dict[str, Any] | None = None,
        untrusted: bool = False,
        **agent: Any,
    ) -> SimpleNamespace:
        script = Scripted(says or never)
        answers = answers or {}
        arena = ArenaConfig.model_validate(
            {
                "name": "panel",
                "model": "scripted:it" if says else "rules",
                "sources": {name: {"source": f"source_{name}"} for name in answers},
                "phases": [{"name": "look", "agents": [{"name": "it", "role": "r", "sources": [*answers], **agent}]}],
            }
        )
        sources = [_answering(source, f"source_{name}", answer, untrusted) for name, answer in answers.items()]
        app = make_context(plugins=load(script.provider(), *sources), arenas=[arena])
        config = arena.phases[0].agents[0]
        context = RunContext(app, arena, request_for(), "1", phase="look")
        patch = await kind(config).run(state or {}, context)
        return SimpleNamespace(patch=patch, asked=script.asked, context=context)

    return run


def never(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    raise AssertionError("a model was asked")


def _answering(source: Callable[..., SourceSpec], name: str, answer: SourceResult, untrusted: bool) -> SourceSpec:
    async def fetch(query: Any) -> SourceResult:
        return answer

    made = source(name, fetch)
    made.factory.untrusted = untrusted
    return made


@pytest.fixture
def panel_run(make_context: Any, load: Any, request_for: Any) -> Callable[..., Any]:
    """Run an arena on the real engine: `await panel_run(arena, *records, says=…)`."""
    from maf_core.arenas.engine import ArenaEngine

    async def run(
        arena: ArenaConfig, *records: AgentSpec | SourceSpec, says: Says | None = None, **request: Any
    ) -> Any:
        script = Scripted(says or never)
        app = make_context(plugins=load(script.provider(), *records), arenas=[arena])
        done = await ArenaEngine(app).run(request_for(**request))
        return SimpleNamespace(state=done.state, error=done.error, meta=done.meta, asked=script.asked)

    return run


@pytest.fixture
def answering(source: Callable[..., SourceSpec]) -> Callable[..., SourceSpec]:
    """A source that always gives this answer: `answering(name, result, untrusted=False)`."""

    def make(name: str, answer: SourceResult, untrusted: bool = False) -> SourceSpec:
        return _answering(source, name, answer, untrusted)

    return make
