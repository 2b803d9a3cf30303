"""What the tests of this package share: the arena as it is shipped, run over the real streams."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_asyncio import fixture as async_fixture

from maf_core import publish
from maf_core.app import MAFApp
from maf_core.arenas.config import load_arena
from maf_core.arenas.run import RunRequest
from maf_core.plugins import PluginManager, Selection
from maf_core.streams import codec
from maf_core.streams.raw import entries
from maf_plugin_crowd.arena import arena_file
from maf_plugin_crowd.models import DECISIONS
from maf_plugin_crowd.publish import DEFAULT_STREAM_NAME

VALID = Path(__file__).parent / "golden" / "valid"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
BOOK = {"ask": 0.4, "bid": 0.39, "shares": 5000}
AGAINST = {"ask": 0.61, "bid": 0.6, "shares": 5000}

ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "fomo2_report": (
        "fomo2:reports",
        {"report_id": "r-1", "title": "Record revenue, strong growth", "text": "It beats all.", "symbols": ["AAPL"]},
    ),
    "polymarket_bet": (
        "polymarket:bets",
        {
            "bet_id": "b-1",
            "question": "Will it rain?",
            "quote": {"yes": BOOK, "no": AGAINST, "mid": 0.395},
            "history": [0.3 + n / 500 for n in range(60)],
        },
    ),
    "oddsoddy_strategy": (
        "oddsoddy:strategies",
        {"strategy_id": "s-1", "event": "Home side wins", "side": "YES", "history": [0.3 + n / 500 for n in range(60)]},
    ),
}


@pytest.fixture(params=list(DECISIONS))
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What stands in the field `data`, one of each kind."""
    return json.loads((VALID / f"{request.param}.json").read_bytes())


@pytest.fixture
def arena():
    """The arena that the plugin ships."""
    return load_arena(arena_file())


@pytest.fixture
def plugins():
    """All that is installed; more may be loaded beside."""
    return PluginManager.load(Selection())


@async_fixture
async def application(make_context, arena, plugins):
    """The application with the arena; `application(arena=…, plugins=…, **settings)`."""
    made = []

    def make(**changes: Any) -> MAFApp:
        given = {"plugins": plugins, "arenas": [changes.pop("arena", arena)], **changes}
        made.append(MAFApp(make_context(**given)))
        return made[-1]

    yield make
    for app in made:
        await app.context.llm.aclose()


@pytest.fixture
def ask(redis, application):
    """Put a question on its stream and run the arena about it; gives the run and the payloads of its stream."""

    async def run(source_type: str, app: MAFApp | None = None, target: dict[str, Any] | None = None, **fields: Any):
        stream, entry = ENTRIES[source_type]
        entry = {**entry, "created_at": NOON.isoformat(), **fields}
        await publish(redis, stream, entry)
        name = next(str(entry[key]) for key in ("report_id", "bet_id", "strategy_id") if key in entry)
        about = {"source_id": name, "source_type": source_type, "ticker": "AAPL", **(target or {})}
        request = RunRequest("crowd_simulation", about, NOON, f"{source_type}-{name}")
        done = await (app or application()).run(request)
        found = entries(await redis.xrange(DEFAULT_STREAM_NAME))
        return done, [codec.decode(fields) for _, fields in found]

    return run


@pytest.fixture
def rising(redis):
    """Bars of AAPL that rise, known at NOON."""

    async def put() -> None:
        for day in range(130):
            price = 100 * 1.01**day * (1.002 if day % 2 else 1.0)
            opened = (NOON - timedelta(days=131 - day)).isoformat()
            bar = {"symbol": "AAPL", "t": opened, "o": price, "h": price * 1.01, "l": price * 0.99, "c": price, "v": 1}
            await publish(redis, "trtools2:bars:1d", bar)

    return put
