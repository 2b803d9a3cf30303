"""Whoever only looks at a stream: previews and schemas of a channel, and the price that a risk check goes by."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from click.testing import CliRunner
from tests.hostile.books import action
from tests.hostile.reading import NOW, NUMBERS, Payload, Reader, Reading, symbol
from tests.hostile.sources import bar
from tests.hostile.workers import BARS

from maf_core import AppContext
from maf_core.cli.channels_look import preview, schema
from maf_core.dashboard.app import create_app
from maf_core.dashboard.state import attach
from maf_core.outbox.ledger import Ledger
from maf_core.outbox.market import PriceSanityCheck
from maf_core.outbox.models import parse_action

_STREAM = "test:looked-at"
_MOST = "200"


class _Page(Reading):
    """What the dashboard shows of the stream."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    def good(self, number: int) -> Payload:
        return {"symbol": symbol(number), "close": 1.5, "tags": ["a"]}

    async def handled(self) -> set[int]:
        found = await self.look()
        symbols = [entry["payload"].get("symbol") for entry in found["entries"] if entry["payload"] is not None]
        assert {"symbol", "close", "tags"} <= {key["key"] for key in found["schema"]}
        return {number for number in NUMBERS if symbols.count(symbol(number)) == 1}

    async def bad(self) -> int:
        return sum(bool(entry["fault"]) for entry in (await self.look())["entries"])

    async def look(self) -> Any:
        answer = await self._client.get("/api/channels/preview", params={"stream": _STREAM, "count": _MOST})
        assert answer.status_code == 200
        return answer.json()


class _Terminal(_Page):
    """What `maf channels preview` and `maf channels schema` print of it."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def look(self) -> Any:
        shown, keys = (
            json.loads(await self._printed(preview, "--json")),
            json.loads(await self._printed(schema, "--json")),
        )
        text = await self._printed(preview) + await self._printed(schema)
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        return {**shown, "schema": keys["keys"]}

    async def _printed(self, command: Any, *words: str) -> str:
        words = (_STREAM, "--count", _MOST, "--redis", self._url, *words)
        done = await asyncio.to_thread(CliRunner().invoke, command, words, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output


class _Prices(Reading):
    def __init__(self, context: AppContext) -> None:
        self._check = PriceSanityCheck(context)
        self._ledger = Ledger(context.redis, 24)

    def good(self, number: int) -> Payload:
        return bar(number)

    async def handled(self) -> set[int]:
        answers = {number: await self._judged(number) for number in NUMBERS}
        return {number for number, reason in answers.items() if reason.endswith("from the last price 11")}

    async def _judged(self, number: int) -> str:
        found = action(number) | {"meta": {"reference_price": 11.0, "as_of": NOW.isoformat()}}
        judged = parse_action(found)
        book = await self._ledger.read(judged)
        assert book is not None
        return (await self._check.check(judged, book)).reason

    async def bad(self) -> int:
        return self._check._views[0].bad_entries


@asynccontextmanager
async def _dashboard(context: AppContext) -> AsyncIterator[Reading]:
    app = create_app(context.plugins, None)
    attach(app, context)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8700") as client:
        yield _Page(client)


@asynccontextmanager
async def _terminal(context: AppContext) -> AsyncIterator[Reading]:
    url = context.settings.redis_url
    assert url is not None
    yield _Terminal(url)


@asynccontextmanager
async def _prices(context: AppContext) -> AsyncIterator[Reading]:
    yield _Prices(context)


LOOKING = [
    Reader("dashboard", _STREAM, _dashboard),
    Reader("terminal", _STREAM, _terminal, needs=("address",)),
    Reader("price_sanity", BARS, _prices),
]
