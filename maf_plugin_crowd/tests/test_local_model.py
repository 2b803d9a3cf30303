"""A panel of voters who ask a real language model on this machine. Run with `make test-llm`."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from maf_core.arenas.config import ArenaConfig
from maf_plugin_crowd.decode import decode_envelope

pytestmark = [
    pytest.mark.llm,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not find_spec("xllamacpp"), reason="needs pip install 'maf[local-llm]'"),
]
MODEL = "local:gemma3-270m"
VOTERS = ("skeptic", "trend_follower", "statistician")


@pytest.fixture
def small_panel(arena) -> ArenaConfig:
    """The arena as it is shipped, with three voters, room for a slow model, and a budget."""
    data = arena.model_dump(mode="json", exclude_unset=True)
    vote = next(phase for phase in data["phases"] if phase["name"] == "vote")
    vote["agents"] = [{**one, "sources": []} for one in vote["agents"] if one["name"] in VOTERS]
    data["phases"][-1]["agents"][0]["options"] = {"quorum": 0.0, "min_votes": 1}
    limits = {"agent_timeout_s": 200, "phase_timeout_s": 240, "run_timeout_s": 280}
    return ArenaConfig.model_validate({**data, "model": MODEL, "limits": limits, "budget": {"run": {"tokens": 20_000}}})


async def test_real_models_vote_or_abstain_and_the_envelope_says_who(redis, ask, application, small_panel):
    app = application(arena=small_panel, llm={"max_output_tokens": 160})
    done, (payload,) = await ask("fomo2_report", app)
    envelope = decode_envelope(payload)
    assert done.error is None
    votes, silent = envelope.prediction.model_votes, done.meta["abstained"]
    assert len(votes) + len(silent) == len(VOTERS)
    assert all(vote.model == MODEL for vote in votes)
    llm = done.state["llm"]
    assert llm["models"] == [MODEL]
    assert 0 < llm["tokens_in"] + llm["tokens_out"] <= 20_000
    if votes:
        assert envelope.prediction.probability >= 1 / 3
    else:
        assert envelope.decision.signal == "HOLD"
