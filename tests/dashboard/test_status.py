"""The status says what a person should know, and `maf status` says the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from maf_core import publish
from maf_core.dashboard.status import look
from maf_core.outbox.trading import TRADING, set_trading
from maf_core.plane.refusals import REFUSED
from maf_core.streams.dead import newest
from maf_core.streams.names import DEAD
from maf_core.streams.publish import keep_bounded
from maf_core.streams.redrive import redrive

LETTER = {"stream": "in", "entry_id": "1-1", "group": "g", "reason": "the broker is shut", "fields": {"data": "{}"}}


@pytest.fixture
def context(make_context):
    return make_context()


@pytest.fixture
async def service(redis):
    """The heartbeat of a service."""
    beat = {"ts": datetime.now(UTC).isoformat(), "workers": [], "restarts": {}}
    await redis.set("maf:service:a-1", json.dumps(beat))
    return beat


async def test_when_all_is_well_nothing_asks_for_anybody(context, service):
    status = await look(context)
    assert status["attention"] == []
    assert status["trading"]["state"] == "ACTIVE"
    assert status["waiting"] == {"count": 0, "next_expires_at": None}
    assert status["dead_letters"] == {"count": 0, "looked_at": 0, "open": 0, "newest": []}
    assert (status["refusals"], status["streams"]) == ([], [])


async def test_without_a_service_somebody_is_asked_to_start_one(context, redis):
    assert (await look(context))["attention"] == ["No service runs. Start one: maf service run"]


async def test_who_halted_trading_and_why(context, service, redis):
    said = await set_trading(redis, "HALTED", "ann@desk", "the feed is wrong")
    status = await look(context)
    assert (status["trading"]["who"], status["trading"]["why"]) == ("ann@desk", "the feed is wrong")
    (sentence,) = status["attention"]
    assert "HALTED" in sentence
    assert "by ann@desk: the feed is wrong" in sentence
    assert status["trading"]["since"] == said.model_dump(mode="json")["since"]


async def test_dead_letters_count_until_they_are_redriven(context, service, redis):
    entry_id = await publish(redis, "in", {})
    await redis.xgroup_create("in", "g", "$")
    await publish(redis, DEAD, {**LETTER, "entry_id": entry_id})
    await publish(redis, DEAD, LETTER)
    status = await look(context)
    assert (status["dead_letters"]["count"], status["dead_letters"]["open"]) == (2, 2)
    assert status["dead_letters"]["newest"][0]["reason"] == "the broker is shut"
    assert status["attention"] == ["2 dead letters were not re-driven; the last: the broker is shut"]
    await redrive(redis, (await newest(redis, 2))[1])
    assert (await look(context))["dead_letters"]["open"] == 1


async def test_refusals_troubled_streams_and_configuration_that_does_not_load(context, service, redis):
    config = {"revision": "", "fault": "maf.yaml:3:1: no such key", "needs_restart": ["redis_url"]}
    await redis.set("maf:service:a-1", json.dumps({**service, "config": config}))
    await publish(redis, REFUSED, {"reason": "there is no arena 'x'", "ts": "2024-01-02T21:00:00+00:00"})
    await publish(redis, "in", {})
    await keep_bounded(redis, "in")
    await redis.xgroup_create("in", "g", "0")
    status = await look(context)
    assert [refused["reason"] for refused in status["refusals"]] == ["there is no arena 'x'"]
    assert [stream["stream"] for stream in status["streams"]] == ["in"]
    old, restart, trouble = status["attention"]
    assert old == "a-1 goes on with its old configuration: maf.yaml:3:1: no such key"
    assert restart == "a-1 must be restarted for what has changed: redis_url"
    assert trouble.startswith("in: nobody consumes for g")


async def test_a_part_that_cannot_be_read_hides_no_other(context, service, redis):
    await redis.set(TRADING, "nonsense")
    await redis.set(DEAD, "no stream")
    status = await look(context)
    assert "cannot be read" in status["trading"]["fault"]
    assert "WRONGTYPE" in status["dead_letters"]["fault"]
    assert status["waiting"]["count"] == 0
    assert len(status["attention"]) >= 2


async def test_the_command_says_the_same(redis, redis_url, service, maf):
    await set_trading(redis, "REDUCING", "ann\x1b[2J", "risk\x07")
    await publish(redis, REFUSED, {"reason": "no \x9b31m arena", "ts": "now"})
    said = maf("status", "--redis", redis_url)
    assert said.returncode == 0, said.stderr
    assert all(letter.isprintable() or letter == "\n" for letter in said.stdout)
    assert "trading    REDUCING" in said.stdout
    assert "\\x9b31m arena" in said.stdout
    assert "! Trading is REDUCING" in said.stdout
    facts = json.loads(maf("status", "--json", "--redis", redis_url).stdout)
    assert facts["trading"]["who"] == "ann\x1b[2J"
    assert [service["name"] for service in facts["services"]] == ["a-1"]


async def test_the_command_without_trouble(redis, redis_url, service, maf):
    assert maf("status", "--redis", redis_url).stdout.endswith("Nothing asks for you.\n")
