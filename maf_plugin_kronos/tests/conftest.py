"""A real forecast service, a real source of bars, and an application around them."""

from __future__ import annotations

import asyncio
import math
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from maf_core import (
    AppContext,
    BaseSource,
    SourceConfig,
    SourceResult,
    SourceSpec,
    StreamFreshness,
    StreamView,
    hookimpl,
    parse_bar,
    publish,
)
from maf_core.plane.watch import WatchList
from maf_core.plugins import Candidate, PluginManager
from maf_core.serving.http import listen
from maf_core.settings import Settings
from maf_core.testing import running
from maf_plugin_kronos import plugin
from maf_plugin_kronos.refresher import KronosRefresher
from maf_plugin_kronos.service.engine import Engine
from maf_plugin_kronos.service.server import ForecastServer
from maf_plugin_kronos.store import ForecastStore

MONDAY = datetime(2025, 1, 6, 5, tzinfo=UTC)


class BarsConfig(SourceConfig):
    timeframe: str = "1d"
    lookback: int = 260


class StreamBars(BaseSource):
    """The bars of a stream, as of any moment."""

    name = "test_bars"
    Config = BarsConfig

    def __init__(self, redis, config):
        super().__init__(redis, config)
        self._view = StreamView(redis, f"test:bars:{config.timeframe}", self._rows)

    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness(f"test:bars:{config.timeframe}")

    def _rows(self, payload):
        bar = parse_bar(payload, self.config.timeframe)
        row = {name: value for name, value in bar.payload().items() if name in "tohlcv"}
        yield bar.symbol, bar.as_of.timestamp(), (bar.as_of, row)

    async def fetch(self, query):
        found = await self._view.latest(query.target["ticker"], query.as_of.timestamp(), self.config.lookback)
        if not found:
            return SourceResult(None, gaps=("no_test_bars",))
        return SourceResult([row for _, row in found], found[-1][0])


@hookimpl
def maf_sources():
    yield SourceSpec(name="test_bars", factory=StreamBars)


def daily_bars(count: int, *, symbol: str = "AAPL", drift: float = 0.0005, seed: int = 1) -> list[dict]:
    """Bars of `count` consecutive weekdays: a random walk with this mean log return a day."""
    rng = random.Random(seed)
    close, opened, bars = 100.0, MONDAY, []
    while len(bars) < count:
        if opened.weekday() < 5:
            before, close = close, close * math.exp(rng.gauss(drift, 0.01))
            prices = {"o": before, "h": max(before, close), "l": min(before, close), "c": close, "v": 1e6}
            bars.append({"symbol": symbol, "tf": "1d", "t": opened.isoformat(), **prices})
        opened += timedelta(days=1)
    return bars


@contextmanager
def _served(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "maf_core", "kronos", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line.startswith("kronos serving on http://"), process.stderr.read()
        try:
            yield line.split()[3]
        finally:
            process.terminate()
            rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, ""), errors


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """`maf kronos serve` with the bootstrap backend, as a process of its own."""
    with _served("--port", "0") as url:
        yield url


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start `maf kronos serve` with these options; gives its address. It must stop cleanly at the end."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(_served(*options))


@asynccontextmanager
async def _served_here(engine: Engine, port: int = 0) -> AsyncIterator[str]:
    listening = asyncio.Event()
    server = ForecastServer(engine, listening.set)
    # The server closes the socket itself, unless it is cancelled because the test has failed.
    with listen("127.0.0.1", port) as sock:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[sock]))
            await listening.wait()
            try:
                yield f"http://127.0.0.1:{sock.getsockname()[1]}"
            finally:
                server.should_exit = True
                engine.close()


@pytest.fixture
def served_here() -> Callable[..., AbstractAsyncContextManager[str]]:
    """Serve an engine of one's own from within the test; gives its address."""
    return _served_here


@pytest.fixture
def make_bars() -> Callable[..., list[dict]]:
    return daily_bars


@pytest.fixture
def app(redis, service_url) -> Callable[..., AppContext]:
    """An application with this plugin and the bars of `test:bars:{tf}`; keywords are settings of the plugin."""
    bars = ModuleType("bars_plugin")
    bars.maf_sources = maf_sources
    candidates = [Candidate("bars", "test-bars", "1", module=bars), Candidate("kronos", "k", "1", module=plugin)]
    manager = PluginManager.load(candidates=candidates)

    def make(**section) -> AppContext:
        defaults = {"url": service_url, "bars_source": "test_bars", "bars_stream": "test:bars:{tf}"}
        return AppContext.create(redis, Settings(plugins={"kronos": defaults | section}), manager)

    return make


@pytest.fixture
def feed(redis) -> Callable:
    """Publish bars on their stream."""

    async def publish_all(bars: list[dict]) -> None:
        for bar in bars:
            await publish(redis, f"test:bars:{bar['tf']}", parse_bar(bar).payload())

    return publish_all


@pytest.fixture
def store(redis):
    return ForecastStore(redis, 60, 0.05)


@pytest.fixture
def refreshing(app, redis):
    """Run the refresher, with symbols watched and the service's time at `now`; gives the workers."""

    @asynccontextmanager
    async def run(now, *, workers=1, symbols=("AAPL",), **settings):
        context = app(**settings)
        await context.clock.hold(now)
        for symbol in symbols:
            await WatchList(redis).add(symbol, "symbol", 1000)
        made = [KronosRefresher(context) for _ in range(workers)]
        async with running(*made):
            yield made

    return run
