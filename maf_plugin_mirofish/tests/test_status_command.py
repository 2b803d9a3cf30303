"""`maf mirofish status`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from maf_core.testing import wait_until
from maf_plugin_mirofish.cli import cli


@pytest.fixture
def status(redis_url, monkeypatch):
    """Run the command on the test server."""

    def run(url: str | None, *options: str) -> str:
        if url:
            monkeypatch.setenv("MAF_MIROFISH_URL", url)
        done = CliRunner().invoke(cli, ["status", "--redis", redis_url, *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


async def test_it_says_how_to_begin(status, redis):
    assert "MAF_MIROFISH_URL=http://" in await _in_thread(status, None)


async def test_it_tells_what_is_left_what_runs_and_what_came_out(status, simulating, put, outcome, mirofish):
    async with simulating():
        await put("r1")
        await outcome("r1")
        mirofish.trouble("run_endless")
        await put("r2")
        await wait_until(lambda: len(mirofish.asked("POST /api/simulation/start")) == 2)
        text = await _in_thread(status, mirofish.url)
        found = json.loads(await _in_thread(status, mirofish.url, "--json"))
    assert "today 2 of 10 begun, 1 running, 0 waiting; 1 completed and 0 failed in all" in text
    assert "AAPL  UP 0.7" in text
    assert (found["alive"], found["begun_today"], [one["report_id"] for one in found["results"]]) == (True, 2, ["r1"])
    (run,) = found["runs"]
    assert (run["report_id"], run["stage"], run["symbol"]) == ("r2", "simulation", "AAPL")


async def _in_thread(call, *arguments):
    import asyncio

    return await asyncio.to_thread(call, *arguments)
