"""The trigger rule that this plugin offers, fired by an envelope as the arena publishes it."""

from __future__ import annotations

import pytest

from maf_plugin_trading_intelligence.stream import DEFAULT_STREAM_NAME, build_envelope_from_state, publish_envelope

TEMPLATE = "trading_intelligence_high_confidence"


@pytest.fixture
def fired(redis, fire_template, state):
    """Publish one decision; gives the commands that the template sends."""

    async def fire(meta=None, **more):
        envelope = build_envelope_from_state({**state, **more}, extra_meta=meta)
        return envelope, await fire_template(TEMPLATE, publish_envelope(redis, DEFAULT_STREAM_NAME, envelope))

    return fire


@pytest.mark.parametrize("verdict", ["BUY", "SELL"])
async def test_a_call_of_high_confidence_sets_another_arena_off(fired, verdict, as_of):
    meta = {"as_of": as_of.isoformat()}
    _, (command,) = await fired(meta, synthesis_verdict=verdict, synthesis_confidence=0.7)
    assert (command["arena"], command["target"]["ticker"]) == ("triggered", "IBM")
    assert command["as_of"] == "2013-02-28T21:00:00Z"


async def test_an_envelope_that_does_not_say_what_was_known_counts_from_its_publication(fired):
    envelope, (command,) = await fired(synthesis_confidence=0.9)
    assert command["as_of"] == envelope.published_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("verdict", "confidence"), [("HOLD", 0.95), ("BUY", 0.69), ("SELL", 0.0)])
async def test_a_hold_or_a_weak_call_does_not(fired, verdict, confidence):
    assert (await fired(synthesis_verdict=verdict, synthesis_confidence=confidence))[1] == []
