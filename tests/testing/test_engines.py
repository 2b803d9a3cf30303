"""`pytest --engine NAME`, as the author of a plugin uses it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import clean_environment

from maf_core.testing.engines import LACKS

TESTS = """
import pytest
from redis.asyncio import RedisCluster

async def test_client(redis, make_context):
    assert await redis.set("k", "v") and make_context().redis is redis

async def test_address(redis_url):
    assert redis_url.startswith("redis://")

@pytest.mark.needs("one server")
async def test_one(redis):
    assert not isinstance(redis, RedisCluster)

async def test_cluster(cluster_url):
    assert cluster_url

def test_none():
    pass
"""
PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "conformance.md"


@pytest.fixture
def run(tmp_path):
    """Run tests in a folder of their own; the exit code and what was said."""

    def run(*words: str, tests: str = TESTS, **environment: str) -> tuple[int, str]:
        (tmp_path / "test_mine.py").write_text(tests)
        (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\naddopts = -ra --strict-markers\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=clean_environment(**environment), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize(
    ("engine", "counts"),
    [
        ("embedded", "5 passed"),
        ("redis", "3 passed, 2 deselected"),
        ("cluster", "3 passed, 1 skipped, 1 deselected"),
        ("fakeredis", "2 passed, 1 skipped, 2 deselected"),
    ],
)
def test_what_runs_on_an_engine(run, engine, counts):
    code, said = run("--engine", engine)
    assert code == 0, said
    assert counts in said
    for reason in re.findall(r"SKIPPED \[1\] test_mine\.py\S* (.*)", said):
        assert reason in [f"{engine}: {why}" for why in LACKS[engine].values()]


def test_an_engine_may_be_named_in_the_environment(run):
    code, said = run(MAF_TEST_ENGINE="fakeredis")
    assert (code, "2 passed, 1 skipped, 2 deselected" in said) == (0, True), said


def test_an_engine_that_there_is_not_is_refused(run):
    code, said = run(MAF_TEST_ENGINE="dragonfly")
    assert code == 4
    assert "MAF_TEST_ENGINE=dragonfly is no engine; there are cluster, embedded, fakeredis, redis" in said


def test_without_the_server_it_says_what_to_install(run):
    code, said = run("--engine", "redis", PATH="")
    assert code == 4
    assert "There is no redis-server on this machine. Install it: apt-get install redis-server" in said


def test_a_need_that_nobody_lacks_is_refused(run):
    code, said = run(tests="import pytest\n@pytest.mark.needs('luck')\ndef test_it(redis): pass\n")
    assert code == 4
    assert "needs luck; known are address, commandstats, config, one server" in said


def test_the_page_says_what_each_engine_lacks():
    page = PAGE.read_text()
    for engine, lacking in LACKS.items():
        for need, why in lacking.items():
            assert f'| `"{need}"` | {engine} | {why} |' in page
