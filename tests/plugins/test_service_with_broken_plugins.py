"""The service beside broken plugins: it gets ready without them, and its log says which, why and what to do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from maf_core.plane.commands import Command, send
from maf_core.service import heartbeat_key
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

DATA = Path(__file__).parent / "data"
EVERYTHING = os.pathsep.join(str(folder) for folder in sorted(DATA.iterdir()) if folder.is_dir())
WORKER_THAT_CANNOT_BE_MADE = """
from maf_core import WorkerSpec, hookimpl


@hookimpl
def maf_workers():
    yield WorkerSpec(name="broker_of_nobody", factory=make)


def make(context):
    raise LookupError("there is no broker at this address")
"""


@pytest.fixture
def serve(redis, redis_url, maf_process):
    """Run a service until it is ready and answers, and stop it; what it logged."""

    async def answered() -> bool:
        return any("status" in codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT)))

    async def run(**environment: str) -> list[dict]:
        process = maf_process("service", "run", "--redis", redis_url, **environment)
        await wait_until(lambda: redis.get(heartbeat_key(process.pid)), timeout_s=30)
        await send(redis, Command(command="ping"))
        await wait_until(answered)
        process.send_signal(signal.SIGTERM)
        printed, errors = await asyncio.to_thread(process.communicate, timeout=30)
        assert (process.returncode, printed) == (0, ""), errors
        return [json.loads(line) for line in errors.splitlines() if line.startswith("{")]

    return run


async def test_it_gets_ready_without_the_broken_ones_and_names_each(maf, serve):
    logged = await serve(PYTHONPATH=EVERYTHING)
    listed = json.loads(maf("plugins", "list", "--json", PYTHONPATH=EVERYTHING).stdout)

    said = [line for line in logged if line["event"] == "plugin_not_used"]
    broken = [row for row in listed if row["status"] not in ("ok", "disabled")]
    assert len(broken) >= 14
    told = ("distribution", "status", "reason")  # the reason says what to do: test_broken_plugins.py
    assert {tuple(line[key] for key in ("plugin", *told)) for line in said} == {
        tuple(row[key] for key in ("name", *told)) for row in broken
    }
    assert {line["level"] for line in said} == {"warning"}

    events = [line["event"] for line in logged]
    assert max(at for at, event in enumerate(events) if event == "plugin_not_used") < events.index("service_ready")
    assert events[-1] == "service_stopped"


async def test_a_slow_plugin_is_used_and_named_with_its_time(serve):
    logged = await serve(PYTHONPATH=str(DATA / "slow"), MAF_PLUGINS="slow")
    (slow,) = [line for line in logged if line["event"] == "plugin_slow"]
    assert (slow["plugin"], slow["distribution"]) == ("slow", "maf-t-slow")
    assert "its import took" in slow["reason"]
    assert "plugin_not_used" not in {line["event"] for line in logged}


async def test_a_worker_that_cannot_be_made_is_named_with_its_plugin_and_what_to_do(serve, tmp_path):
    (tmp_path / "nobody.py").write_text(WORKER_THAT_CANNOT_BE_MADE)
    logged = await serve(MAF_PLUGINS_DIR=str(tmp_path), MAF_PLUGINS="nobody")
    line = next(line for line in logged if line["event"] == "worker_not_prepared")
    assert (line["worker"], line["plugin"]) == ("broker_of_nobody", "nobody")
    assert "there is no broker at this address" in json.dumps(line["exception"])
    assert "MAF_DISABLE_PLUGINS=nobody" in line["fix"]
    assert "worker_restarts" in {line["event"] for line in logged}
