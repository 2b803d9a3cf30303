"""The catalogue of streams: what somebody names."""

from __future__ import annotations

from structlog.testing import capture_logs

from maf_core import BaseSource, ChannelSpec, KeyFreshness, PublisherSpec, RequestResponseFreshness, SourceSpec
from maf_core.arenas.config import ArenaConfig
from maf_core.channels import Channel, catalogue
from maf_core.plugins import PluginManager, Selection

PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


def arena(name: str = "panel", **more) -> ArenaConfig:
    return ArenaConfig.model_validate({"name": name, "phases": PHASES, **more})


def by_stream(channels: list[Channel]) -> dict[str, Channel]:
    return {channel.stream: channel for channel in channels}


def adapter(name: str, freshness) -> SourceSpec:
    """A source that names this place; it is never asked."""

    def spec(cls, config):
        return freshness()

    async def fetch(self, query):
        raise NotImplementedError

    kind = type("Made", (BaseSource,), {"name": name, "freshness_spec": classmethod(spec), "fetch": fetch})
    return SourceSpec(name=name, factory=kind)


def test_the_contracts_own_streams_are_there_without_any_plugin(load):
    found = by_stream(catalogue(load(), {}))
    assert {
        "maf:control:in", "maf:control:out", "maf:events", "maf:actions:out", "maf:approvals:in", "maf:decisions:out",
        "maf:executions:out", "maf:outcomes:out", "maf:dead",
    } == set(found)  # fmt: skip
    assert all(channel.offered_by == ("core",) and channel.summary for channel in found.values())


def test_a_plugins_streams_are_there_with_its_name(load):
    plugins = load(ChannelSpec(name="mine", stream="mine:levels", summary="Levels"))
    assert by_stream(catalogue(plugins, {}))["mine:levels"] == Channel("mine:levels", "Levels", ("made",), ())


def test_a_stream_that_several_name_is_one_channel(load):
    plugins = load(ChannelSpec(name="mine", stream="maf:events", summary="Seen by me"))
    events = by_stream(catalogue(plugins, {}))["maf:events"]
    assert events.offered_by == ("core", "made")
    assert events.summary.endswith("; Seen by me")


def test_what_arenas_watch_and_bind_is_there_with_their_names(load):
    plugins = load(
        adapter("cached", lambda: KeyFreshness("t:k:*", "t:emitted")),
        adapter("asked", lambda: RequestResponseFreshness("t:asked", "t:answered")),
        ChannelSpec(name="bars", stream="t:bars"),
    )
    trigger = {"id": "moved", "on_stream": "t:bars", "target": "{payload.symbol}"}
    bound = {"a": {"source": "cached"}, "b": {"source": "asked"}}
    arenas = {"one": arena("one", triggers=[trigger], sources=bound), "two": arena("two", triggers=[trigger])}
    found = by_stream(catalogue(plugins, arenas))
    assert (found["t:bars"].offered_by, found["t:bars"].read_by) == (("made",), ("one", "two"))
    for stream in ("t:emitted", "t:asked", "t:answered"):
        assert (found[stream].offered_by, found[stream].read_by) == ((), ("one",))


def test_an_arena_writes_its_output_when_somebody_publishes_its_envelopes(load):
    plugins = load(PublisherSpec(name="mine", arena="one", factory="made:Publisher"))
    found = by_stream(catalogue(plugins, {"one": arena("one"), "two": arena("two")}))
    assert found["maf:arena:one:output"].written_by == ("one",)
    assert "maf:arena:two:output" not in found


def test_a_binding_that_cannot_be_looked_at_hides_nothing_else(load):
    def fails():
        raise LookupError("no config")

    plugins = load(adapter("broken", fails), adapter("sound", lambda: KeyFreshness("t:k:*", "t:emitted")))
    bound = {name: {"source": name} for name in ("broken", "not_there", "sound")}
    with capture_logs() as logs:
        found = by_stream(catalogue(plugins, {"panel": arena(sources=bound)}))
    assert found["t:emitted"].read_by == ("panel",)
    assert {line["event"]: line["source"] for line in logs} == {
        "freshness_unknown": "broken", "binding_not_looked_at": "not_there",
    }  # fmt: skip


def test_the_channels_of_the_installed_plugins():
    found = by_stream(catalogue(PluginManager.load(Selection()), {}))
    assert found["kronos:forecasts:emitted"].offered_by == ("kronos",)
    assert found["trtools2:bars:1d"].offered_by == ("trtools2",)
    assert found["maf:arena:trading_intelligence:output"].offered_by == ("trading_intelligence",)
    assert found["maf:arena:crowd_simulation:output"].offered_by == ("crowd",)
