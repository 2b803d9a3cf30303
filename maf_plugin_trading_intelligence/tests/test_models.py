"""The arena with a model: what its specialists ask, and what of it reaches the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from redis.asyncio import Redis

from maf_core import AppContext, LLMProviderSpec, hookimpl
from maf_core.app import MAFApp, load_arenas
from maf_core.arenas.run import RunRequest
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.plugins import Candidate, PluginManager
from maf_plugin_trading_intelligence import plugin
from maf_plugin_trading_intelligence.stream import DEFAULT_STREAM_NAME, decode_envelope

Store = Callable[..., Awaitable[None]]


class Reader(LLMProvider):
    """Its model reads everything it may, then is moderately bullish, whoever asks; it backs every BUY."""

    name = "reader"
    asked: list[tuple[str, list[str], str]]

    def model(self, name: str) -> FunctionModel:
        return FunctionModel(self.answer, model_name=name)

    async def catalogue(self) -> list[ModelInfo]:
        return [ModelInfo("reader", "it")]

    def answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        tools = [tool.name for tool in info.function_tools]
        if tools and len(messages) == 1:
            return ModelResponse(parts=[ToolCallPart(name, {"newest": 3}) for name in tools])
        read = str(messages[-1].parts[0].content)
        self.asked.append((info.instructions or "", tools, read))
        signal = {"signal": "BULLISH", "confidence": 0.5, "summary": "Looks good.", "narrative": "At length."}
        answer = signal if tools else {"verdict": "BUY", "reasoning": "All agree."}
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, answer)])


@pytest.fixture
def asked() -> list[tuple[str, list[str], str]]:
    return []


@pytest.fixture
def panel(panel: PluginManager, asked: list[Any]) -> PluginManager:
    """The stored sources, this plugin, and a provider of models."""
    provider = type("Provider", (Reader,), {"asked": asked})
    models = ModuleType("models")
    vars(models)["maf_llm_providers"] = hookimpl(lambda: [LLMProviderSpec(name="reader", factory=provider)])
    sources = ModuleType("sources")
    specs = list(panel.records("maf_sources", object).values())
    vars(sources)["maf_sources"] = hookimpl(lambda: specs)
    named = {"stored_sources": sources, "models": models, "trading_intelligence": plugin}
    return PluginManager.load(candidates=[Candidate(name, name, "1", module=module) for name, module in named.items()])


@pytest.fixture
def context(panel: PluginManager, make_context: Callable[..., AppContext]) -> AppContext:
    return make_context(plugins=panel, arenas=load_arenas(panel).values(), llm={"model": "reader:it"})


async def test_every_specialist_reads_its_own_data_and_the_envelope_says_who_decided(
    redis: Redis, context: AppContext, store: Store, real_bars: list[dict[str, Any]], as_of: Any, asked: list[Any]
) -> None:
    await store("trtools2_bars", real_bars[-260:])
    await store("kronos_forecast", {"prob_up": 0.62, "horizon": 5, "backend": "bootstrap"})
    await store("trtools2_news", [{"headline": "IBM holds a meeting", "summary": ""}])  # no word of the lexicon
    await store("trtools2_strategy_events", [{"strategy": "breakout", "signal": "BUY", "confidence": None}])
    run = await MAFApp(context).run(RunRequest("trading_intelligence", {"ticker": "IBM"}, as_of, "c1"))
    read = {tool: text for _, [tool], text in asked[:4]}
    assert "IBM holds a meeting" in read["read_news"]
    assert '"prob_up":0.62' in read["read_forecast"]
    assert '"strategy":"breakout"' in read["read_strategy"]
    assert read["read_bars"].count('"c":') == 3
    assert asked[4][1] == []
    [(_, fields)] = await redis.xrange(DEFAULT_STREAM_NAME)
    envelope = decode_envelope(fields)
    assert envelope is not None
    assert envelope.meta["model_used"] == "reader:it"
    assert (envelope.decision.synthesis.verdict, envelope.decision.synthesis.ensemble_score) == ("BUY", 0.5)
    assert envelope.decision.synthesis.reasoning.endswith("All agree.")
    assert [view.summary for view in envelope.decision.agent_signals] == ["Looks good."] * 4
    assert "At length." not in envelope.model_dump_json()
    assert run.state["reports"]["news"] == "At length."
    assert run.state["signals"]["forecast"]["routine"]["signal"] == "BULLISH"


async def test_without_data_no_model_is_asked(context: AppContext, as_of: Any, asked: list[Any]) -> None:
    run = await MAFApp(context).run(RunRequest("trading_intelligence", {"ticker": "IBM"}, as_of, "c1"))
    assert (run.state["synthesis_verdict"], asked) == ("HOLD", [])
    assert run.state["llm_model"] == "rules"
