"""What arenas run for and rules fire about is watched."""

from __future__ import annotations

import time

import pytest

from maf_core.arenas.config import TriggerConfig
from maf_core.plane.interest import Interest
from maf_core.plane.watch import WatchList
from maf_core.settings import WatchSettings
from maf_core.streams.publish import publish
from maf_core.testing.triggering import arena_with, commands_after


@pytest.fixture
def watched(redis):
    async def members() -> dict[tuple[str, str], float]:
        found = await WatchList(redis).members()
        return {(item.kind, item.target_id): item.expires_at - time.time() for item in found}

    return members


@pytest.mark.parametrize(
    ("target_key", "target", "expected"),
    [
        ("ticker", {"ticker": " aapl "}, ("symbol", "AAPL")),
        ("question_id", {"question_id": "q-1", "ticker": "AAPL"}, ("question", "q-1")),
        ("document_id", {"document_id": "10-K"}, ("document", "10-K")),
    ],
)
async def test_a_run_makes_its_target_watched(make_context, watched, target_key, target, expected):
    context = make_context(watch=WatchSettings(arena_ttl_s=500, trigger_ttl_s=900))
    await Interest(context).arena_runs(target_key, target)
    assert await watched() == {expected: pytest.approx(500, abs=5)}
    interest = Interest(context)
    interest.rule_fires(target_key, target)
    await interest.flush()
    assert await watched() == {expected: pytest.approx(900, abs=5)}
    await Interest(context).arena_runs(target_key, target)
    assert await watched() == {expected: pytest.approx(900, abs=5)}  # never shortened


@pytest.mark.parametrize("target", [{}, {"ticker": ""}, {"ticker": None}, {"ticker": 7}, {"ticker": ["AAPL"]}])
async def test_a_target_without_a_name_is_passed_over(make_context, watched, target):
    await Interest(make_context()).arena_runs("ticker", target)
    await Interest(make_context()).arena_runs("pr_id", {"pr_id": "12"})
    assert await watched() == {}


async def test_it_can_be_turned_off(make_context, watched):
    interest = Interest(make_context(watch=WatchSettings(arena_ttl_s=0, trigger_ttl_s=0)))
    await interest.arena_runs("ticker", {"ticker": "AAPL"})
    interest.rule_fires("ticker", {"ticker": "AAPL"})
    await interest.flush()
    assert await watched() == {}


async def test_a_rule_that_fires_keeps_its_target_watched(make_context, redis, watched):
    rule = TriggerConfig(id="big", on_stream="in", when="payload.move > 1", target="{payload.symbol}")
    context = make_context(arenas=[arena_with(rule)], watch=WatchSettings(trigger_ttl_s=500))
    entries = [{"symbol": "AAPL", "move": 2}, {"symbol": "MSFT", "move": 0}]
    sent = await commands_after(context, *(publish(redis, "in", entry) for entry in entries))
    assert [command["target"]["ticker"] for command in sent] == ["AAPL"]
    assert await watched() == {("symbol", "AAPL"): pytest.approx(500, abs=5)}


async def test_an_arena_that_runs_keeps_its_target_watched(make_context, panel, role, load, request_for, watched):
    from maf_core.app import MAFApp

    async def run(agent, state, context):
        return {}

    arena = panel({"name": "one", "agents": [{"name": "a", "role": "idle"}]})
    context = make_context(plugins=load(role("idle", run)), arenas=[arena], watch=WatchSettings(arena_ttl_s=500))
    await MAFApp(context).run(request_for())
    assert await watched() == {("symbol", "AAPL"): pytest.approx(500, abs=5)}
