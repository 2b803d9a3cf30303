"""Running small arenas on the real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.run import FinishedRun


@pytest.fixture
def run_arena(make_context, load, request_for) -> Callable[..., Any]:
    """Run an arena once with these records registered, as a process that has just started would."""

    async def run(arena: ArenaConfig, *records: Any, **request: Any) -> FinishedRun:
        context = make_context(plugins=load(*records), arenas=[arena])
        return await ArenaEngine(context).run(request_for(**request))

    return run
