"""A real run's spans, as a collector receives them: run → phase → agent → source or model."""

from __future__ import annotations

from maf_core.arenas.engine import ArenaEngine
from maf_core.sources.base import SourceResult

PHASES = [
    {
        "name": "look",
        "pattern": "parallel",
        "agents": [
            {"name": "chart", "role": "reader", "sources": ["bars"]},
            {"name": "lost", "role": "breaks"},
        ],
    },
    {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis", "model": "ollama:qwen3:8b"}]},
]
SAID = {"signal": "BULLISH", "confidence": 0.8, "domain": "", "summary": "a secret view", "key_factors": []}


async def test_a_run_is_one_trace(make_context, load, source, role, panel, request_for, collector, ollama):
    async def prices(query):
        return SourceResult({"c": 1.0}, size_bytes=5)

    async def reads(agent, state, context):
        await context.fetch("bars")
        return {"signals": {agent.name: {"agent": agent.name, **SAID}}}

    async def breaks(agent, state, context):
        raise ZeroDivisionError("a secret reason")

    ollama.rules["qwen3:8b"] = {"verdict": "BUY", "reasoning": "a secret thought"}
    arena = panel(*PHASES, sources={"bars": {"source": "prices"}})
    records = source("prices", prices), role("reader", reads), role("breaks", breaks)
    llm = {"providers": {"ollama": {"base_url": ollama.url}}}
    context = make_context(plugins=load(*records), arenas=[arena], telemetry={"traces": collector.url}, llm=llm)
    run = await ArenaEngine(context).run(request_for())
    await context.llm.aclose()
    context.tracer.close()

    assert run.error is None
    assert collector.tree() == {
        ("run panel",),
        ("run panel", "phase look"),
        ("run panel", "phase look", "agent chart"),
        ("run panel", "phase look", "agent chart", "source bars"),
        ("run panel", "phase look", "agent lost"),
        ("run panel", "phase decide"),
        ("run panel", "phase decide", "agent verdict"),
        ("run panel", "phase decide", "agent verdict", "chat qwen3:8b"),
    }
    assert collector.named("run panel").attributes["maf.arena_id"] == run.arena_id
    assert collector.named("agent chart").attributes["gen_ai.agent.name"] == "chart"
    assert collector.named("source bars").attributes["maf.source"] == "prices"
    assert {span.name: span.attributes["error.type"] for span in collector.spans if span.failed} == {
        "agent lost": "ZeroDivisionError"
    }
    chat = collector.named("chat qwen3:8b").attributes
    assert (chat["gen_ai.operation.name"], chat["gen_ai.provider.name"]) == ("chat", "ollama")
    assert (chat["gen_ai.request.model"], chat["gen_ai.agent.name"]) == ("qwen3:8b", "verdict")
    assert chat["gen_ai.usage.input_tokens"] > 0
    assert chat["gen_ai.usage.output_tokens"] > 0
    assert b"secret" not in b"".join(collector.bodies)
