"""The catalogue of streams, what is measured of them, and `maf channels list`."""

from __future__ import annotations

import json
import time

import pytest
from structlog.testing import capture_logs

from maf_core import BaseSource, ChannelSpec, KeyFreshness, RequestResponseFreshness, SourceSpec, publish
from maf_core.arenas.config import ArenaConfig
from maf_core.channels import Channel, Measured, catalogue, measure
from maf_core.plugins import PluginManager, Selection
from maf_core.testing.conformance.server import commands_of

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


async def test_length_last_id_and_age(redis):
    await redis.xadd("t:one", {"data": "{}"}, id=f"{int((time.time() - 90) * 1000)}-0")
    last = await redis.xadd("t:one", {"data": "{}"}, id=f"{int((time.time() - 40) * 1000)}-7")
    (found,) = await measure(redis, [Channel("t:one")])
    assert (found.length, found.last_id, found.fault) == (2, last.decode(), "")
    assert 40 <= found.age_s < 50


async def test_what_is_not_there_has_no_age_and_what_is_no_stream_says_so(redis):
    await redis.set("t:text", "x")
    await redis.xadd("t:emptied", {"data": "{}"})
    await redis.xtrim("t:emptied", maxlen=0, approximate=False)
    nowhere, emptied, text = await measure(redis, [Channel("t:nowhere"), Channel("t:emptied"), Channel("t:text")])
    assert nowhere == Measured(Channel("t:nowhere"), 0, None, None, "")
    assert (emptied.length, emptied.last_id, emptied.age_s) == (0, None, None)
    assert (text.length, text.age_s) == (0, None)
    assert "t:text cannot be read as a stream" in text.fault


async def test_an_entry_from_the_future_has_no_negative_age(redis):
    await redis.xadd("t:ahead", {"data": "{}"}, id=f"{int((time.time() + 3600) * 1000)}-0")
    assert (await measure(redis, [Channel("t:ahead")]))[0].age_s == 0.0


async def test_many_channels_cost_two_commands_each_and_no_key_is_scanned(redis):
    channels = [Channel(f"t:{number}") for number in range(50)]
    assert await commands_of(redis, lambda: measure(redis, channels)) == 100
    assert await measure(redis, []) == []


def test_the_channels_of_the_installed_plugins():
    found = by_stream(catalogue(PluginManager.load(Selection()), {}))
    assert found["kronos:forecasts:emitted"].offered_by == ("kronos",)
    assert found["trtools2:bars:1d"].offered_by == ("trtools2",)
    assert found["maf:arena:trading_intelligence:output"].offered_by == ("trading_intelligence",)
    assert found["maf:arena:crowd_simulation:output"].offered_by == ("crowd",)


@pytest.fixture
def config_dir(tmp_path):
    """A config folder with an arena that watches a stream."""
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "panel.yaml").write_text(
        "name: panel\n"
        "phases: [{name: decide, agents: [{name: verdict, role: synthesis}]}]\n"
        'triggers: [{id: moved, on_stream: "t:moves", target: "{payload.symbol}"}]\n'
    )
    return tmp_path


async def test_the_command_lists_them(maf, redis, redis_url, config_dir):
    await publish(redis, "t:moves", {"symbol": "AAPL"})
    said = maf("channels", "list", "--config", str(config_dir), "--redis", redis_url, MAF_PLUGINS="")
    assert said.returncode == 0, said.stderr
    (line,) = [line.split() for line in said.stdout.splitlines() if line.startswith("t:moves")]
    assert line[:4] == ["t:moves", "1", line[2], "s"]
    assert line[-1] == "panel"
    listed = maf("channels", "list", "--json", "--config", str(config_dir), "--redis", redis_url, MAF_PLUGINS="")
    (moves,) = [each for each in json.loads(listed.stdout) if each["stream"] == "t:moves"]
    assert moves.keys() == {"stream", "summary", "offered_by", "read_by", "length", "last_id", "age_s", "fault"}
    assert (moves["length"], moves["read_by"]) == (1, ["panel"])
