"""Voters who ask a model: blind, at once, and none of them can spoil the run."""

from __future__ import annotations

import pytest

from maf_core.arenas.config import ArenaConfig
from maf_core.testing.ollama import Fault, Reply

MODEL = "ollama:qwen3:8b"
BALLOT = {
    "outcome": "UP",
    "probability": 0.8,
    "horizon_hours": 48,
    "drivers": ["earnings"],
    "rationale": "It beats all.",
}


@pytest.fixture
def with_models(application, arena, ollama):
    """The application whose voters ask the stand-in; `answers` by a part of the persona."""

    def make(default=BALLOT, **settings):
        ollama.rules["qwen3:8b"] = default
        llm = {"model": MODEL, "providers": {"ollama": {"base_url": ollama.url}}, "prices": {}}
        data = {**arena.model_dump(mode="json", exclude_unset=True), "model": MODEL, **settings}
        return application(arena=ArenaConfig.model_validate(data), llm=llm)

    return make


async def test_models_vote_and_the_traders_stand_back(ask, with_models, rising):
    await rising()
    done, (payload,) = await ask("fomo2_report", with_models())
    votes = payload["prediction"]["model_votes"]
    assert [vote["model"] for vote in votes] == [MODEL] * 5
    assert payload["prediction"]["probability"] == pytest.approx(0.8)
    assert (payload["prediction"]["horizon_hours"], payload["prediction"]["top_drivers"]) == (48, ["earnings"])
    assert payload["decision"]["signal"] == "BUY"
    assert done.state["llm_model"].startswith("ollama")


async def test_voters_are_blind(ask, with_models, ollama, rising):
    await rising()
    await ask("fomo2_report", with_models())
    asked = ollama.calls
    assert len(asked) == 5
    assert not any("earnings" in str(call.body) for call in asked)


RUBBISH = {
    "an outcome that is none": {**BALLOT, "outcome": "MAYBE"},
    "a probability that is none": {**BALLOT, "probability": 7},
    "no probability": {**BALLOT, "probability": None},
    "no horizon": {**BALLOT, "horizon_hours": 0},
    "an abstention": {"abstain": True, "reason": "nothing to go by"},
    "words": Reply(text="I think it goes up!"),
}


@pytest.mark.parametrize("name", RUBBISH)
async def test_rubbish_costs_the_vote_and_not_the_run(ask, with_models, rising, name):
    await rising()
    done, (payload,) = await ask("fomo2_report", with_models(RUBBISH[name]))
    assert done.error is None
    assert payload["prediction"]["model_votes"] == []
    assert payload["decision"] == {"signal": "HOLD", "confidence": 0.0, "horizon_hours": 24}
    assert done.state["synthesis_reasoning"] == "HOLD: nobody voted"
    assert set(done.meta["abstained"]) >= {"skeptic", "retail"}


async def test_a_panel_whose_models_fail_does_not_become_another_panel(ask, with_models, ollama, rising):
    await rising()
    app = with_models()
    ollama.rules["qwen3:8b"] = Fault(500, "the model has crashed")
    _, (payload,) = await ask("fomo2_report", app)
    assert payload["prediction"]["model_votes"] == []
    assert payload["decision"]["signal"] == "HOLD"


async def test_traders_may_count_beside_models(ask, with_models, arena, rising):
    await rising()
    phases = arena.model_dump(mode="json", exclude_unset=True)["phases"]
    phases[-1]["agents"][0]["options"]["rules"] = "count"
    _, (payload,) = await ask("fomo2_report", with_models(phases=phases))
    models = {vote["model"].partition(":")[0] for vote in payload["prediction"]["model_votes"]}
    assert models == {"ollama", "rules"}


async def test_voters_that_hang_cost_their_votes_and_not_the_run(ask, with_models, ollama, rising):
    await rising()
    app = with_models(limits={"agent_timeout_s": 8})
    ollama.rules["qwen3:8b"] = lambda chat: Reply(endless=True) if "skeptic" in str(chat.body) else BALLOT
    done, (payload,) = await ask("fomo2_report", app)
    assert done.error is None
    assert len(payload["prediction"]["model_votes"]) == 4
    assert payload["decision"]["signal"] == "BUY"
    assert {**done.state["abstentions"], **done.state.get("failures", {})}["skeptic"]
