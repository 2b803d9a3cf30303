"""An application for a row of the table, with the services that it asks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from tests.hostile.reading import Reader

from maf_core import AppContext
from maf_core.plugins import PluginManager, Selection


@pytest.fixture(scope="session")
def installed() -> PluginManager:
    """All installed plugins, loaded once."""
    return PluginManager.load(Selection())


@pytest.fixture(scope="session")
def forecasts() -> Iterator[Callable[[], str]]:
    """The address of a forecast service, which is started when it is asked for."""
    command = [sys.executable, "-m", "maf_core", "kronos", "serve", "--port", "0"]
    started: list[subprocess.Popen[str]] = []
    urls: list[str] = []

    def url() -> str:
        if not urls:
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert started[0].stdout is not None
            urls.append(started[0].stdout.readline().split()[3])
        return urls[0]

    yield url
    for process in started:
        with process:
            process.terminate()


@pytest.fixture
def application(make_context, installed, forecasts, redis_engine) -> Callable[[Reader], AppContext]:
    """What a reader's row asks for."""

    def make(reader: Reader) -> AppContext:
        sections = {name: dict(section) for name, section in reader.settings.items()}
        for name in reader.served:
            sections.setdefault(name, {})["url"] = forecasts()
        where = {"redis_url": redis_engine.url} if redis_engine.url else {}
        return make_context(plugins=installed, arenas=reader.arenas, sections=sections, **where)

    return make
