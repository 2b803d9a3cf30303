"""The whole arena on real bars, with a real language model on this machine. Run with `make test-llm`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core import AppContext
from maf_core.app import MAFApp
from maf_core.arenas.config import ArenaConfig, load_arena
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.plugins import PluginManager
from maf_plugin_trading_intelligence.arena import arena_file
from maf_plugin_trading_intelligence.stream import DEFAULT_STREAM_NAME, TradingIntelligenceEnvelope, decode_envelope

pytestmark = [
    pytest.mark.llm,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not find_spec("xllamacpp"), reason="needs pip install 'maf[local-llm]'"),
]
MODEL = "local:gemma3-270m"
ASKING = f"role: synthesis\n        model: {MODEL}\n"


def asking(tmp_path: Path, **limits: Any) -> ArenaConfig:
    """The arena as it is shipped, its synthesis asking the model, within this budget."""
    text = arena_file().read_text(encoding="utf-8")
    assert text.count("role: synthesis\n") == 1
    budget = "".join(f"    {name}: {limit}\n" for name, limit in limits.items())
    file = tmp_path / "trading_intelligence.yaml"
    file.write_text(
        text.replace("role: synthesis\n", ASKING) + f"\nlimits: {{agent_timeout_s: 100}}\nbudget:\n  run:\n{budget}",
        encoding="utf-8",
    )
    return load_arena(file)


@pytest.fixture
async def decided(
    redis: Redis,
    panel: PluginManager,
    make_context: Callable[..., AppContext],
    store: Callable[..., Awaitable[None]],
    real_bars: list[dict[str, Any]],
    as_of: Any,
) -> Callable[[ArenaConfig], Awaitable[tuple[FinishedRun, TradingIntelligenceEnvelope]]]:
    """Run the arena about IBM, and read what a consumer gets."""
    await store("trtools2_bars", real_bars[-260:])
    await store("kronos_forecast", {"prob_up": 0.62, "horizon": 5, "backend": "bootstrap"})
    await store("trtools2_news", [{"headline": "IBM beats estimates, shares surge", "summary": ""}])

    async def decide(config: ArenaConfig) -> tuple[FinishedRun, TradingIntelligenceEnvelope]:
        context = make_context(plugins=panel, arenas=[config], llm={"max_output_tokens": 120})
        target = {"ticker": "IBM", "trade_date": "2013-02-28"}
        run = await MAFApp(context).run(RunRequest(config.name, target, as_of, "c1"))
        await context.llm.aclose()
        ((_, fields),) = await redis.xrange(DEFAULT_STREAM_NAME)
        envelope = decode_envelope(fields)
        assert envelope is not None
        return run, envelope

    return decide


async def test_a_real_model_has_the_last_word_within_its_budget(decided: Any, tmp_path: Path) -> None:
    run, envelope = await decided(asking(tmp_path, tokens=6000, calls=3, seconds=90))
    assert run.error is None
    assert run.state["llm_failed"] == {"synthesis": None}
    meta, decision = envelope.meta, envelope.decision
    assert meta["model_used"] == MODEL
    assert meta["llm"]["models"] == [MODEL]
    assert 1 <= meta["llm"]["calls"] <= 3
    assert meta["llm"]["tokens_in"] > 300
    assert meta["llm"]["tokens_out"] > 5
    assert meta["llm"]["tokens_in"] + meta["llm"]["tokens_out"] <= 6000
    # It backs the computed BUY or holds back; the numbers are computed either way.
    assert decision.synthesis.verdict in ("BUY", "HOLD")
    assert decision.synthesis.ensemble_score > 0.2
    assert {view.agent for view in decision.agent_signals} == {"forecast", "news", "technical"}


async def test_a_budget_that_does_not_suffice_is_said_and_nothing_is_spent(decided: Any, tmp_path: Path) -> None:
    run, envelope = await decided(asking(tmp_path, tokens=50))
    assert run.error is None
    assert "budget.run" in envelope.decision.synthesis.reasoning
    assert envelope.decision.synthesis.verdict == "HOLD"
    assert run.state["llm"]["tokens_out"] == 0
