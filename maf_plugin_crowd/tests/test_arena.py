"""The whole arena: a question comes in on a stream, an envelope and a decision go out, whatever the question is."""

from __future__ import annotations

import pytest

from maf_core import publish
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_IN, DECISIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running
from maf_plugin_crowd.decode import decode_envelope

from .conftest import ENTRIES, NOON

KINDS = {
    "fomo2_report": "fomo2_signal",
    "polymarket_bet": "polymarket_side",
    "oddsoddy_strategy": "oddsoddy_multiplier",
}


@pytest.mark.parametrize("source_type", KINDS)
async def test_a_question_becomes_an_envelope_and_a_decision(redis, ask, rising, source_type):
    await rising()
    done, (payload,) = await ask(source_type)
    envelope = decode_envelope(payload)
    assert done.error is None
    assert envelope.decision_kind == KINDS[source_type]
    assert (envelope.prediction.source_type, envelope.correlation_id) == (source_type, done.correlation_id)
    assert len(envelope.prediction.model_votes) >= 8
    assert all(vote.model.startswith("rules:") for vote in envelope.prediction.model_votes)
    (decision,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(DECISIONS))]
    assert (decision["target_key"], decision["verdict"]) == ("source_id", done.state["synthesis_verdict"])
    assert decision["contributors"]
    assert not await redis.exists(ACTIONS)


async def test_the_same_question_has_the_same_answer(redis, ask, application, rising):
    await rising()
    _, (first,) = await ask("fomo2_report")
    await redis.flushall()
    await rising()
    _, (second,) = await ask("fomo2_report")
    assert first["prediction"] == second["prediction"]
    assert first["decision"] == second["decision"]


async def test_a_run_that_is_repeated_publishes_once(redis, ask):
    await ask("polymarket_bet")
    _, found = await ask("polymarket_bet")
    assert len(found) == 1


HARMLESS = {
    "fomo2_report": {"signal": "HOLD", "confidence": 0.0},
    "polymarket_bet": {"side": "SKIP", "suggested_size_usd": 0.0},
    "oddsoddy_strategy": {"multiplier": 1.0, "gate": False},
}


@pytest.mark.parametrize("source_type", KINDS)
async def test_what_nobody_knows_is_answered_with_what_does_no_harm(redis, ask, source_type):
    done, (payload,) = await ask(source_type, target={"source_id": "nobody"})
    assert decode_envelope(payload)
    assert payload["decision"].items() >= HARMLESS[source_type].items()
    assert "is not known" in done.state["synthesis_reasoning"]
    assert payload["prediction"]["model_votes"] == []


async def test_a_report_about_no_share_holds(redis, ask):
    done, (payload,) = await ask("fomo2_report", symbols=[])
    assert payload["decision"]["signal"] == "HOLD"
    assert "names no symbol" in done.state["synthesis_reasoning"]
    assert payload["prediction"]["top_drivers"] == [done.state["synthesis_reasoning"]]


async def test_too_few_votes_are_no_crowd(redis, ask):
    """Without prices and words only those vote who have a hunch."""
    done, (payload,) = await ask("oddsoddy_strategy", event="Home", history=[])
    assert payload["decision"] == {"multiplier": 1.0, "gate": False, "reason": done.state["synthesis_reasoning"]}
    assert "fewer than 3" in done.state["synthesis_reasoning"]
    assert decode_envelope(payload).prediction.model_votes


BAD_MARKETS = {
    "closed": ({"open": False}, "takes no orders"),
    "no book": ({"yes": None, "no": None}, "no book"),
    "a price outside": ({"mid": 1.5}, "not within 0 to 1"),
    "nonsense": ({"yes": {"ask": 0.2, "shares": 9}, "no": {"ask": 0.2, "shares": 9}}, "stale"),
    "words": ({"mid": "cheap"}, "not known"),
}


@pytest.mark.parametrize("name", BAD_MARKETS)
async def test_a_market_that_is_none_is_skipped(redis, ask, name):
    changes, says = BAD_MARKETS[name]
    quote = {**ENTRIES["polymarket_bet"][1]["quote"], **changes}
    done, (payload,) = await ask("polymarket_bet", quote=quote)
    assert payload["decision"]["side"] == "SKIP"
    assert says in done.state["synthesis_reasoning"]
    assert decode_envelope(payload)


async def test_a_type_that_nobody_decides_about_fails_and_publishes_nothing(redis, application):
    from maf_core.arenas.run import RunRequest

    target = {"source_id": "x", "source_type": "horoscope"}
    done = await application().run(RunRequest("crowd_simulation", target, NOON, "c"))
    assert "no verdict was reached" in done.error
    assert not await redis.exists("maf:arena:crowd_simulation:output")


@pytest.mark.parametrize("source_type", KINDS)
async def test_each_stream_sets_the_arena_off(redis, application, brisk_context, source_type):
    stream, entry = ENTRIES[source_type]
    async with running(TriggerDispatcher(brisk_context)):
        await publish(redis, stream, {**entry, "created_at": NOON.isoformat()})
        await until_quiet(redis)
    (command,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_IN))]
    assert command["target"]["source_type"] == source_type
    assert command["target"]["source_id"] == next(iter(entry.values()))
    assert command["as_of"] == "2024-03-01T12:00:00Z"


@pytest.fixture
def brisk_context(make_context, arena, plugins):
    return make_context(plugins=plugins, arenas=[arena])
