"""The whole system, as a user runs it: the command line, child processes, a real server, real bars."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from maf_core.streams.valkey import free_port
from maf_core.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WEEKS = ("--from", "2012-03-01", "--to", "2012-05-31", "--symbols", "AAPL,IBM")
STAGES = ("envelopes", "actions")


async def maf(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "maf_core",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def demo(*words: str) -> dict:
    code, out, err = await maf("demo", "--json", *WEEKS, *words)
    assert code == 0, err
    return json.loads(out)


async def test_figures_add_up_and_the_kept_data_is_found_again(tmp_path: Path):
    port = free_port()
    running = asyncio.create_task(demo("--keep", str(tmp_path / "data"), "--redis-port", str(port)))
    seen = await read_as_a_stranger(port, running)
    summary = await running
    arena = summary["arenas"]["trading_intelligence"]
    fired = arena["triggers_fired"]
    assert fired > 0
    assert arena["runs_completed"] + arena["runs_failed"] == fired
    assert [arena[stage] for stage in STAGES] == [fired, fired]
    assert arena["executions_approved"] + arena["executions_rejected"] + arena["executions_pending"] == fired
    assert set(summary["predictions"]) == {"fomo2_signal", "oddsoddy_multiplier", "polymarket_side"}
    assert summary["bars_in"] == 128
    assert summary["forecasts"] == 130  # one a bar, and the two that the service began with
    assert summary["redis_url"] == f"redis://127.0.0.1:{port}/0"
    assert (summary["forecast_backend"], summary["model_used"]) == ("bootstrap", "rules")
    assert len(seen) > 0
    assert all(envelope["schema_version"] == "1" for envelope in seen)
    assert await envelopes_in(tmp_path / "data") == fired


async def read_as_a_stranger(port: int, running: asyncio.Task[dict]) -> list[dict]:
    """Tail the decisions with nothing but redis and json."""
    stream, last, seen = "maf:arena:trading_intelligence:output", "0", []
    async with Redis(port=port) as client:
        while not running.done():
            try:
                answer = await client.xread({stream: last}, block=200)
            except (OSError, ConnectionError, Exception) as error:
                if "onnect" not in f"{type(error).__name__}{error}":
                    raise
                await client.connection_pool.disconnect()  # one that was cut short while it was opened, too
                await asyncio.sleep(0.05)
                continue
            for _, entries in answer.items() if isinstance(answer, dict) else answer or []:
                for entry_id, fields in entries:
                    last = entry_id
                    seen.append(json.loads(fields[b"data"]))
    return seen


async def envelopes_in(data: Path) -> int:
    """Start a service on the demo's data and count what it finds."""
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "maf_core", "service", "run", "--redis", "embedded", "--data", str(data)
    )
    try:
        record = data / "server.json"
        port = (await wait_until(lambda: record.exists() and json.loads(record.read_text() or "{}"), 30))["port"]
        async with Redis(port=port) as client:
            assert await wait_until(lambda: client.keys("maf:service:*"), 30)
            return await client.xlen("maf:arena:trading_intelligence:output")
    finally:
        service.terminate()
        assert await service.wait() == 0


async def test_future_bars_in_the_stream_change_no_decision():
    plain, with_future = await asyncio.gather(demo(), demo("--with-future-bars"))
    assert plain["decisions_digest"] == with_future["decisions_digest"]
    assert plain["arenas"] == with_future["arenas"]
    assert plain["predictions"] == with_future["predictions"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--from", "2012-05-01", "--to", "2012-03-01"), 2, "swap"),
        (("--symbols", "NOPE"), 2, "No file holds the symbol 'NOPE'"),
        (("--symbols", " , "), 2, "names none"),
        (("--from", "2020-01-01", "--to", "2020-02-01"), 2, "choose --from and --to there"),
        (("--from", "yesterday"), 2, "yesterday"),
    ],
)
def test_bad_input_gets_a_sentence(maf_here, words: tuple[str, ...], code: int, says: str):
    done = maf_here("demo", "--json", *words)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


async def test_a_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = await maf("demo", "--json", "--redis-port", str(taken.getsockname()[1]))
    assert code == 1
    assert "in use" in err
