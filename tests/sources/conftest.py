"""The command line beside the test server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
import structlog
from click.testing import CliRunner, Result

from maf_core.cli.arena import cli as arena
from maf_core.cli.sources import cli as sources

GROUPS = {"sources": sources, "arena": arena}


@pytest.fixture
def maf_at(redis_url) -> Iterator[Callable[..., Awaitable[Result]]]:
    """Run `maf sources …` or `maf arena …` on the test server, with the plugins of market data and reports."""

    async def run(group: str, *words: str) -> Result:
        arguments = [*words, "--redis", redis_url]
        invoke = CliRunner().invoke
        return await asyncio.to_thread(invoke, GROUPS[group], arguments, env={"MAF_PLUGINS": "trtools2,fomo2"})

    yield run
    structlog.reset_defaults()
