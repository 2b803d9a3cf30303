"""The doctor looks at how the server keeps what it is given."""

from __future__ import annotations

import json

import pytest

from maf_core.doctor import server
from maf_core.doctor.findings import Finding, found_by
from maf_core.errors import MAFError
from maf_core.settings import Settings
from maf_core.testing import wait_until

CONFIGURED = ("maxmemory-policy", "maxmemory", "appendonly", "appendfsync")


@pytest.fixture
async def configure(redis):
    """Change settings of the server until the end of the test."""
    before = {name: (await redis.config_get(name))[name] for name in CONFIGURED}

    async def written() -> bool:
        # A server that still writes its first append-only file cannot be stopped.
        info = await redis.info("persistence")
        return not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    async def change(**values: str) -> None:
        for name, value in values.items():
            await redis.config_set(name.replace("_", "-"), value)
        await wait_until(written)

    yield change
    for name, value in before.items():
        await redis.config_set(name, value)
    await wait_until(written)


@pytest.fixture
def find(redis):
    async def found(name: str) -> Finding:
        (finding,) = await getattr(server, name)(redis, Settings())
        return finding

    return found


@pytest.mark.needs("config")
async def test_a_full_server_must_not_forget(configure, find):
    await configure(maxmemory_policy="noeviction", maxmemory="0")
    assert (await find("eviction")).ok
    await configure(maxmemory_policy="allkeys-lru")
    assert (await find("eviction")).ok, "without a limit nothing is evicted"
    await configure(maxmemory="1gb")
    found = await find("eviction")
    assert (found.ok, "allkeys-lru, limited" in found.detail) == (False, True)
    await configure(maxmemory_policy="noeviction")
    assert (await find("eviction")).ok


@pytest.mark.needs("config")
@pytest.mark.parametrize(("policy", "fine"), [("always", True), ("everysec", True), ("no", False)])
async def test_what_was_accepted_must_survive(configure, find, policy, fine):
    await configure(appendonly="yes", appendfsync=policy)
    found = await find("persistence")
    assert (found.ok, f"appendfsync {policy}" in found.detail) == (fine, True)
    assert ("loses the last second" in found.detail) == (policy == "everysec")


@pytest.mark.needs("config")
async def test_without_an_append_only_file(configure, find):
    await configure(appendonly="no")
    found = await find("persistence")
    assert (found.ok, "appendonly yes" in found.fix) == (False, True)


@pytest.mark.needs("config")
async def test_the_clock_and_whether_it_is_a_cluster(find):
    assert (await find("clock")).ok
    found = await find("cluster")
    assert found.ok
    assert "single server" in found.detail or "state ok" in found.detail


async def test_a_check_that_breaks_is_a_finding(redis):
    async def breaks(error: Exception) -> list[Finding]:
        raise error

    (told,) = await found_by("x", breaks(MAFError("say this")))
    assert (told.ok, told.detail) == (False, "say this")
    (odd,) = await found_by("x", breaks(KeyError("y")))
    assert (odd.ok, odd.detail) == (False, "KeyError: 'y'")


async def test_the_command_tells_all_of_it(redis, redis_url, maf):
    await redis.xadd("maf:dead", {"data": "\x1b[2J no letter"})
    done = maf("doctor", "--redis", redis_url)
    assert done.returncode == 1
    assert all(letter.isprintable() or letter == "\n" for letter in done.stdout)
    found = {row["name"]: row["ok"] for row in json.loads(maf("doctor", "--json", "--redis", redis_url).stdout)}
    assert {"redis", "cluster", "eviction", "persistence", "clock", "trading", "streams"} <= found.keys()
    assert (found["dead letters"], found["services"], found["trading"]) == (False, False, True)


def test_a_server_that_is_away_is_one_finding(maf):
    done = maf("doctor", "--json", "--redis", "redis://127.0.0.1:1")
    names = [row["name"] for row in json.loads(done.stdout) if not row["ok"]]
    assert "redis" in names
    assert "streams" not in names
