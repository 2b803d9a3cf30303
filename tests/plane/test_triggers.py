"""From an entry on a stream to one command: rules, cooldown, time, restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maf_core import publish
from maf_core.arenas.config import ArenaConfig
from maf_core.errors import ConfigError
from maf_core.plane.triggers import TriggerDispatcher, compile_rules
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, DEAD
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running

BARS = "test:bars"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


def arena(*triggers: dict, name: str = "panel", **more) -> ArenaConfig:
    return ArenaConfig.model_validate({"name": name, "phases": PHASES, "triggers": list(triggers), **more})


def rule(**more) -> dict:
    return {"id": "moved", "on_stream": BARS, "when": "payload.c > 10", "target": "{payload.symbol}", **more}


def bar(symbol: str = "AAPL", c: float = 11.0, at: datetime | None = NOON, **more) -> dict:
    return {"symbol": symbol, "c": c, **({"as_of": at.isoformat()} if at else {}), **more}


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


@pytest.fixture
def dispatcher(make_context, brisk):
    return lambda *arenas: brisk(TriggerDispatcher(make_context(arenas=arenas)))


@pytest.fixture
def fired(redis, dispatcher):
    """Publish these entries while a dispatcher of these arenas runs; gives all commands sent so far."""

    async def fire(arenas: list[ArenaConfig], *bars: dict) -> list[dict]:
        async with running(dispatcher(*arenas)):
            for each in bars:
                await publish(redis, BARS, each)
            await until_quiet(redis)
        return await payloads(redis, CONTROL_IN)

    return fire


async def test_an_entry_that_satisfies_the_rule_becomes_one_command(fired):
    sent = await fired([arena(rule(), action_mode="semi")], bar(c=9), bar(c=11, at=NOON), bar("IBM", c=10))
    assert len(sent) == 1
    command = sent[0]
    assert command["command"] == "run_arena"
    assert command["arena"] == "panel"
    assert command["target"] == {"ticker": "AAPL", "trade_date": "2024-03-01"}
    assert command["source"] == "trigger"
    assert command["action_mode"] == "semi"
    assert command["trigger"]["rule"] == "moved"
    assert command["trigger"]["stream"] == BARS
    assert datetime.fromisoformat(command["as_of"]) == NOON


async def test_the_rules_action_mode_wins_over_the_arenas(fired):
    assert (await fired([arena(rule(action_mode="manual"))], bar()))[0]["action_mode"] == "manual"


async def test_an_entry_read_again_does_not_fire_again(redis, fired):
    """As after a crash between sending the command and acknowledging the entry."""
    await fired([arena(rule())], bar(), bar("IBM"))
    await redis.xgroup_setid(BARS, "maf:triggers", "0")
    tickers = [command["target"]["ticker"] for command in await fired([arena(rule())], bar("MSFT"))]
    assert tickers == ["AAPL", "IBM", "MSFT"]


async def test_the_marker_of_an_entry_that_fired_names_the_command_it_sent(redis, fired):
    await fired([arena(rule(cooldown_s=3600))], bar(), bar())
    ((sent, fields),) = entries(await redis.xrange(CONTROL_IN))
    marks = [await redis.get(key) for key in await redis.keys("maf:{maf:control:in}:once:*")]
    assert sorted(marks) == [sent.encode(), b"cooldown"]
    assert await redis.get(f"maf:{{maf:control:in}}:once:{codec.decode(fields)['command_id']}") == sent.encode()


async def test_two_processes_share_the_work(redis, dispatcher):
    rules = arena(rule(cooldown_s=3600))
    async with running(dispatcher(rules), dispatcher(rules)):
        for number in range(20):
            await publish(redis, BARS, bar(f"S{number % 4}"))
        await until_quiet(redis)
    tickers = [command["target"]["ticker"] for command in await payloads(redis, CONTROL_IN)]
    assert sorted(tickers) == ["S0", "S1", "S2", "S3"]


async def test_what_came_while_nobody_ran_fires_once_after_the_restart(redis, fired):
    await fired([arena(rule())], bar("AAPL"))
    await publish(redis, BARS, bar("IBM"))
    tickers = [command["target"]["ticker"] for command in await fired([arena(rule())], bar("MSFT"))]
    assert tickers == ["AAPL", "IBM", "MSFT"]


async def test_what_was_there_before_the_first_start_is_history(redis, fired):
    await publish(redis, BARS, bar("AAPL"))
    assert [command["target"]["ticker"] for command in await fired([arena(rule())], bar("IBM"))] == ["IBM"]


@pytest.mark.parametrize(
    ("minutes", "times_fired"),
    [([0, 10], 1), ([0, 59], 1), ([0, 60], 2), ([0, 30, 61], 2), ([0, 30, 59, 60, 119, 120], 3)],
)
async def test_the_cooldown_counts_in_the_time_of_the_data(fired, minutes, times_fired):
    bars = [bar(at=NOON + timedelta(minutes=minute)) for minute in minutes]
    assert len(await fired([arena(rule(cooldown_s=3600))], *bars)) == times_fired


async def test_a_clock_set_back_does_not_block_a_rule(fired):
    sent = await fired([arena(rule(cooldown_s=3600))], bar(at=NOON), bar(at=NOON - timedelta(days=300)))
    assert len(sent) == 2


async def test_each_target_and_each_rule_cools_down_on_its_own(fired):
    rules = arena(rule(cooldown_s=3600), rule(id="again", cooldown_s=3600))
    sent = await fired([rules], bar("AAPL"), bar("IBM"), bar("AAPL"))
    assert sorted((c["trigger"]["rule"], c["target"]["ticker"]) for c in sent) == [
        ("again", "AAPL"), ("again", "IBM"), ("moved", "AAPL"), ("moved", "IBM"),
    ]  # fmt: skip


async def test_without_a_cooldown_every_entry_fires(fired):
    assert len(await fired([arena(rule())], bar(), bar(), bar())) == 3


async def test_several_arenas_may_watch_one_stream(fired):
    sent = await fired([arena(rule()), arena(rule(), name="other")], bar())
    assert {command["arena"] for command in sent} == {"panel", "other"}
    assert len({command["command_id"] for command in sent}) == 2


async def test_an_entry_without_the_templates_field_is_a_dead_letter_with_the_reason(redis, fired):
    assert await fired([arena(rule())], {"c": 11, "as_of": NOON.isoformat()}) == []
    (letter,) = await payloads(redis, DEAD)
    assert letter["stream"] == BARS
    assert "'moved'" in letter["reason"]
    assert "payload.symbol" in letter["reason"]


async def test_a_rule_whose_template_does_not_fit_does_not_silence_the_others(redis, fired):
    rules = arena(rule(id="first", target="{payload.name}"), rule(id="second"))
    assert [command["trigger"]["rule"] for command in await fired([rules], bar())] == ["second"]
    assert "'first'" in (await payloads(redis, DEAD))[0]["reason"]


async def test_an_entry_with_a_broken_time_is_a_dead_letter(redis, fired):
    assert await fired([arena(rule())], bar(as_of="yesterday")) == []
    assert "'yesterday' is no timestamp" in (await payloads(redis, DEAD))[0]["reason"]


@pytest.mark.parametrize("name", ["as_of", "asof"])
async def test_the_moment_is_the_entrys_own(fired, name):
    stated = "2012-05-18T16:00:00-04:00"
    command = (await fired([arena(rule())], bar(at=None, **{name: stated})))[0]
    assert command["as_of"] == "2012-05-18T20:00:00Z"
    assert command["target"]["trade_date"] == "2012-05-18"


async def test_the_moment_can_be_named_by_a_template(fired):
    rules = arena(rule(as_of="{payload.published.at}"))
    command = (await fired([rules], bar(published={"at": "2012-05-18T20:00:00Z"})))[0]
    assert command["as_of"] == "2012-05-18T20:00:00Z"


async def test_without_a_stated_moment_it_is_now(fired):
    before = datetime.now(UTC)
    command = (await fired([arena(rule())], bar(at=None)))[0]
    assert before <= datetime.fromisoformat(command["as_of"]) <= datetime.now(UTC)


async def test_a_replay_says_what_now_is(redis, make_context, fired):
    await make_context().clock.hold(NOON)
    assert (await fired([arena(rule())], bar(at=None)))[0]["as_of"] == "2024-03-01T12:00:00Z"


async def test_a_target_may_be_a_mapping_and_name_its_own_trade_date(fired):
    target = {"ticker": "{payload.symbol}", "trade_date": "{payload.day}", "exchange": "US"}
    command = (await fired([arena(rule(target=target))], bar(day="2024-02-29")))[0]
    assert command["target"] == {"ticker": "AAPL", "trade_date": "2024-02-29", "exchange": "US"}


async def test_a_broken_entry_does_not_stop_the_dispatcher(redis, dispatcher):
    async with running(dispatcher(arena(rule()))):
        await redis.xadd(BARS, {"data": "{not json"})
        await publish(redis, BARS, bar())
        await until_quiet(redis)
    assert len(await payloads(redis, CONTROL_IN)) == 1
    assert len(await payloads(redis, DEAD)) == 1


async def test_flat_fields_do_as_well(redis, dispatcher):
    async with running(dispatcher(arena(rule(when="payload.event == 'entry'")))):
        await redis.xadd(BARS, {"symbol": "AAPL", "event": "entry", "as_of": NOON.isoformat()})
        await until_quiet(redis)
    assert [command["target"]["ticker"] for command in await payloads(redis, CONTROL_IN)] == ["AAPL"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("when", "payload.c >"),
        ("target", "{payload.symbol"),
        ("as_of", "{now()}"),
        ("on_stream", ""),
        ("on_stream", "a b"),
    ],
)
def test_a_rule_that_does_not_compile_names_arena_and_trigger(key, value):
    with pytest.raises(ConfigError, match="trigger 'moved' of arena 'panel': "):
        compile_rules([arena(rule(**{key: value}))])
