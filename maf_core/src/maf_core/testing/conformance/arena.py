"""The rules for arenas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from maf_core.arenas.config import ArenaConfig, load_arena
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.arenas.state import frozen
from maf_core.checking import check_arena
from maf_core.context import AppContext
from maf_core.plugins import PluginManager
from maf_core.records import ArenaSpec
from maf_core.testing.conformance.base import Conformance


class ArenaConformance(Conformance):
    """Rules for an arena that a plugin ships.

    Must: `name`. May: `target`, `plugins`, `sections`. Never: `arena`, `run_empty`.
    """

    @pytest.fixture
    def arena(self, plugins: PluginManager) -> ArenaConfig:
        """Never: the arena as its YAML says."""
        return load_arena(plugins.get("maf_arenas", ArenaSpec, self.name).load()())

    @pytest.fixture
    def target(self, arena: ArenaConfig) -> dict[str, Any]:
        """May: what to decide about; by default something under the arena's target key."""
        return {arena.target_key: "AAPL", "trade_date": "2024-01-02"}

    def test_n01_name(self, arena: ArenaConfig) -> None:
        """MAF-N01 The YAML is valid and has the name of its record.

        Commands, streams and the user's own arenas refer to it by that name.
        """
        assert arena.name == self.name, f"its YAML says {arena.name!r}"

    def test_n02_fits(self, arena: ArenaConfig, plugins: PluginManager) -> None:
        """MAF-N02 Its sources, roles, options and triggers fit the installed plugins.

        A plugin's arena that does not is left out of the service, with a warning only.
        """
        check_arena(plugins, arena)

    def test_n03_summary(self, arena: ArenaConfig) -> None:
        """MAF-N03 It has a summary.

        `maf arena list` has nothing else to say about it.
        """
        assert arena.summary.strip()

    @pytest.mark.asyncio
    async def test_n04_decides_without_data(
        self,
        arena: ArenaConfig,
        make_context: Callable[..., AppContext],
        plugins: PluginManager,
        target: dict[str, Any],
    ) -> None:
        """MAF-N04 On an empty server a run ends without an error, with a verdict and its gaps.

        The first run of a new installation finds nothing, and must say so and not break.
        """
        run = await _run(make_context(plugins=plugins, arenas=[arena]), arena, target)
        assert run.error is None, f"the run failed: {run.error}"
        assert frozen(run.state) == run.state
        assert run.state.get("synthesis_verdict") or run.state.get("signal"), "there is no verdict"
        assert run.meta["gaps"] or not arena.sources, "data is missing, and no gap says so"


async def _run(context: AppContext, arena: ArenaConfig, target: dict[str, Any]) -> FinishedRun:
    request = RunRequest(arena.name, target, datetime(2024, 1, 2, 21, tzinfo=UTC), "conformance")
    return await ArenaEngine(context).run(request)
