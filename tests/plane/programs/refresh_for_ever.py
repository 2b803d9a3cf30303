"""Refresh every watched symbol and never finish, saying which were begun: refresh_for_ever.py URL."""

from __future__ import annotations

import asyncio
import sys

from maf_core import AppContext, Refresher, Target
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams.connect import connect


class Endless(Refresher):
    """Bears the name of the tests' own refresher, and so shares its leases."""

    name = "scripted"
    lease_s = 1.0

    def cadence_s(self, target: Target) -> float:
        """Every second."""
        return 1.0

    async def refresh(self, target: Target) -> None:
        """Say which, and go on for ever."""
        print(target.id, flush=True)
        await asyncio.Event().wait()


async def main() -> None:
    """Refresh until killed."""
    async with connect(sys.argv[1]) as redis:
        context = AppContext.create(redis, Settings(), PluginManager.load(Selection()))
        await Endless(context).run(asyncio.Event())


asyncio.run(main())
