"""The programs of the guide, as programs of their own that can import nothing of MAF, on a live server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from maf_core import publish
from maf_core.testing import wait_until
from maf_plugin_crowd.models import CrowdPredictionEnvelope
from maf_plugin_crowd.stream import DEFAULT_STREAM_NAME, publish_envelope

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "consume_crowd_oracle.py"
NODE = ROOT / "examples" / "consume-crowd-oracle-node"
SNIPPETS = Path(__file__).parent / "snippets"
GUIDE = ROOT / "docs" / "consumers" / "crowd-oracle.md"
GOLDEN = Path(__file__).parent / "golden" / "valid"
SOURCES = {
    "fomo2_signal": "fomo2_report",
    "polymarket_side": "polymarket_bet",
    "oddsoddy_multiplier": "oddsoddy_strategy",
}
pytestmark = pytest.mark.needs("one server")  # which the plain clients of the guide connect to
# `-I -S`: no site-packages, no editable installs, no environment. Then redis and what it needs, and no MAF at all.
ISOLATED = """
import importlib.abc, runpy, sys
class NoMAF(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "maf" or name.startswith(("maf_", "pydantic", "structlog")):
            raise SystemExit("the program imports " + name)
sys.meta_path.insert(0, NoMAF())
sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def envelope(kind: str, number: int = 1, **changes: Any) -> CrowdPredictionEnvelope:
    document = json.loads((GOLDEN / f"{kind}.json").read_bytes())
    about = {"source_type": SOURCES[kind], "source_id": f"{kind}-{number}"}
    prediction = {**document["prediction"], **about}
    return CrowdPredictionEnvelope.model_validate(
        {**document, "prediction": prediction, "correlation_id": f"{number:032x}", **changes}
    )


@pytest.fixture
def start(redis_url):
    """Start a Python program with these words; whatever still runs is ended."""
    started = []

    def begin(program: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-S", "-c", ISOLATED, sysconfig.get_path("purelib"), str(program), *words]
        environment = {**os.environ, "REDIS_URL": redis_url, **environment}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def printed(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return out.splitlines()


async def put(redis, *envelopes: CrowdPredictionEnvelope, stream: str = DEFAULT_STREAM_NAME) -> None:
    for one in envelopes:
        await publish_envelope(redis, stream, one)


async def blocked(redis) -> bool:
    """Whether some program waits for entries."""
    return any("x" in client["flags"] or "b" in client["flags"] for client in await redis.client_list())


async def test_count_shows_the_newest_first_and_stops(redis, start):
    await put(redis, *(envelope(kind, n) for n, kind in enumerate(SOURCES)))
    lines = printed(start(EXAMPLE, "--count", "2"))
    assert [line.split()[0] for line in lines] == ["oddsoddy_strategy", "polymarket_bet"]


async def test_only_those_about_one_source(redis, start):
    await put(redis, *(envelope(kind, n) for n, kind in enumerate([*SOURCES, *SOURCES])))
    lines = printed(start(EXAMPLE, "--count", "9", "--source-type", "fomo2_report"))
    assert [line.split()[0] for line in lines] == ["fomo2_report"] * 2


async def test_other_versions_other_kinds_broken_entries_and_repeats_are_passed_over(redis, start):
    await put(redis, envelope("fomo2_signal"), envelope("fomo2_signal"))
    other = envelope("polymarket_side", 2).model_dump(mode="json")
    await publish(redis, DEFAULT_STREAM_NAME, {**other, "schema_version": "2"})
    await publish(redis, DEFAULT_STREAM_NAME, {**other, "decision_kind": "horoscope"})
    for broken in ({"data": "{"}, {"other": "field"}, {"data": "[1]"}, {"data": b"\xff"}):
        await redis.xadd(DEFAULT_STREAM_NAME, broken)
    assert len(printed(start(EXAMPLE, "--count", "10"))) == 1


async def test_it_shows_what_comes_and_ends_with_ctrl_c(redis, start):
    await put(redis, envelope("fomo2_signal", 1))
    process = start(EXAMPLE)
    await wait_until(lambda: blocked(redis))
    await put(redis, envelope("polymarket_side", 2))
    assert process.stdout.readline().startswith("polymarket_bet")
    process.send_signal(signal.SIGINT)
    assert printed(process) == []


async def test_the_address_and_the_stream_can_be_named(redis, redis_url, start):
    await put(redis, envelope("oddsoddy_multiplier"), stream="mine")
    words = ("--redis-url", redis_url, "--stream", "mine", "--count", "1")
    assert printed(start(EXAMPLE, *words, REDIS_URL="redis://nowhere"))[0].startswith("oddsoddy_strategy")


def test_without_a_server_it_says_what_to_do(start):
    process = start(EXAMPLE, "--redis-url", "redis://localhost:1", "--count", "1")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Name another with --redis-url." in err
    assert "Traceback" not in err


async def test_the_five_lines_print_the_next_decision(redis, start):
    process = start(SNIPPETS / "opt_in.py")
    await wait_until(lambda: blocked(redis))
    await put(redis, envelope("polymarket_side"))
    assert "'side'" in printed(process)[0]


async def test_the_recipes_print_decisions_of_all_three_kinds(redis, start):
    await put(redis, *(envelope(kind, n) for n, kind in enumerate(SOURCES)))
    assert printed(start(SNIPPETS / "bet.py"))[0].startswith("polymarket_side-1 SKIP")  # the sample is old
    assert printed(start(SNIPPETS / "multiplier.py", "oddsoddy_multiplier-2"))[0].endswith(
        envelope("oddsoddy_multiplier").decision.reason
    )
    assert "50.00 USD. the crowd said nothing" in printed(start(SNIPPETS / "multiplier.py", "unknown"))[0]
    process = start(SNIPPETS / "signals.py")
    assert process.stdout.readline().split() == ["fomo2_signal-0", envelope("fomo2_signal").decision.signal]
    await wait_until(lambda: blocked(redis))
    await put(redis, envelope("fomo2_signal", 7), envelope("fomo2_signal", 7))
    assert process.stdout.readline().split()[0] == "fomo2_signal-7"


def test_the_guide_shows_the_programs_that_are_tested_here():
    shown = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    files = [(SNIPPETS / f"{name}.py").read_text() for name in ("opt_in", "bet", "signals", "multiplier")]
    assert shown == files
    assert [len(text.splitlines()) <= most for text, most in zip(files, (5, 25, 25, 25), strict=True)] == [True] * 4


@pytest.fixture(scope="session")
def node_program(tmp_path_factory) -> Path:
    """The TypeScript program, built."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("Node and npm are not installed")
    folder = tmp_path_factory.mktemp("node") / "consumer"
    shutil.copytree(NODE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    for words in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run([npm, *words], cwd=folder, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "dist" / "main.js"


@pytest.fixture
def node(redis_url, node_program):
    """Start the built program with these words; whatever still runs is ended."""
    started = []

    def begin(*words: str) -> subprocess.Popen[str]:
        environment, pipe = {**os.environ, "REDIS_URL": redis_url}, subprocess.PIPE
        command = ["node", str(node_program), *words]
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
async def test_the_same_in_typescript(redis, node):
    await put(redis, *(envelope(kind, n) for n, kind in enumerate(SOURCES)))
    await redis.xadd(DEFAULT_STREAM_NAME, {"data": "{"})
    assert [line.split()[0] for line in printed(node("--count", "5"))] == list(SOURCES.values())[::-1]
    tailing = node()
    await wait_until(lambda: blocked(redis))
    await put(redis, envelope("fomo2_signal", 9))
    assert tailing.stdout.readline().startswith("fomo2_report fomo2_signal-9")
