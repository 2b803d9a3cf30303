"""A decision kind that another plugin brings, without a change to this one."""

from __future__ import annotations

import pytest

from maf_core import AgentSpec, EnvelopeModel, hookimpl
from maf_core.arenas.run import RunRequest
from maf_core.plugins import Candidate, PluginManager, Selection, discover
from maf_core.streams import codec
from maf_core.streams.raw import entries
from maf_plugin_crowd.deciding import Decider
from maf_plugin_crowd.decode import decode_envelope
from maf_plugin_crowd.publish import DEFAULT_STREAM_NAME, EnvelopeRefusedError, publish_run

from .conftest import NOON


class Umbrella(EnvelopeModel):
    take: bool


class WeatherDecider(Decider):
    """Take an umbrella when the crowd expects rain."""

    kind = "umbrella"
    Decision = Umbrella

    def decide(self, crowd, question, data, now):
        return Umbrella(take=crowd.distribution["YES"] > 0.5), "as the crowd says"

    def without(self, reason, horizon_hours):
        return Umbrella(take=True), reason

    def verdict(self, decision):
        return "TAKE" if decision.take else "LEAVE"


class WeatherPlugin:
    @staticmethod
    @hookimpl
    def maf_agents():
        yield AgentSpec(name="crowd_decision_weather_report", factory=WeatherDecider, summary="Umbrellas")


@pytest.fixture
def plugins():
    manager = PluginManager.load(
        Selection(), [*discover(), Candidate("weather", "maf-weather", "1", module=WeatherPlugin)]
    )
    assert not [row.reason for row in manager.rows if row.name == "weather" and row.reason]
    return manager


async def run_about(application, **target):
    about = {"source_id": "w-1", "source_type": "weather_report", **target}
    return await application().run(RunRequest("crowd_simulation", about, NOON, "c"))


async def test_it_goes_the_whole_way(redis, application):
    done = await run_about(
        application, text="Strong gains of rain are expected", history=[0.3 + n / 100 for n in range(40)]
    )
    ((_, fields),) = entries(await redis.xrange(DEFAULT_STREAM_NAME))
    envelope = codec.decode(fields)
    assert (envelope["decision_kind"], set(envelope["decision"])) == ("umbrella", {"take"})
    assert envelope["prediction"]["source_type"] == "weather_report"
    assert done.state["synthesis_verdict"] in ("TAKE", "LEAVE")
    assert decode_envelope(fields) is None  # who knows the three kinds only passes it over


async def test_without_a_crowd_its_own_word_counts(redis, application):
    done = await run_about(application)
    assert (done.state["synthesis_verdict"], done.state["decision"]) == ("TAKE", {"take": True})


@pytest.mark.parametrize(
    ("decider", "decision"), [(None, {"take": True}), (WeatherDecider, {"take": "perhaps"}), (WeatherDecider, {})]
)
async def test_what_its_plugin_would_not_say_never_reaches_the_stream(redis, decider, decision):
    payload = {"decision_kind": "umbrella", "decision": decision, "prediction": {}}
    with pytest.raises(EnvelopeRefusedError):
        await publish_run(redis, "s", "a", payload, decider)
    assert not await redis.exists("s")
