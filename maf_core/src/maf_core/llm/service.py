"""The language models of one process: its providers, its choice among them, and its turn at each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from maf_core.llm.budget import Budget
from maf_core.llm.ledger import Ledger
from maf_core.llm.picker import ModelPicker
from maf_core.llm.providers import Providers
from maf_core.llm.session import LLMSession
from maf_core.settings import LLMSettings, ProviderSettings
from maf_core.telemetry.tracer import Tracer

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from maf_core.arenas.config import BudgetConfig
    from maf_core.llm.attempt import Terms
    from maf_core.llm.base import ModelChoice, Recorder
    from maf_core.llm.usage import Usage
    from maf_core.plugins import PluginManager


class LLMService:
    """Makes a session for each run. Imports no client of a model before one is asked."""

    def __init__(
        self,
        redis: Redis,
        settings: LLMSettings,
        plugins: PluginManager,
        *,
        tracer: Tracer | None = None,
        data_dir: Path | None = None,
    ) -> None:
        """`data_dir`: where rankings of models are kept."""
        self.settings = settings
        self.providers = Providers(settings, plugins)
        self.picker = ModelPicker(self.providers, settings, data_dir=data_dir)
        self._ledger = Ledger(redis)
        self._tracer = tracer or Tracer()
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._seen: set[tuple[str, ...]] = set()

    def session(
        self,
        *,
        arena: str,
        arena_id: str,
        model: str | None,
        budget: BudgetConfig,
        recorder: Recorder,
        emit: Callable[..., None],
    ) -> LLMSession:
        """What the agents of one run ask with. `model`: the arena's; the settings' by default."""
        limits = Budget(self._ledger, arena, arena_id, budget, self.settings.day)
        return LLMSession(self, model, limits, recorder, emit)

    def terms(
        self,
        agent: str,
        choice: ModelChoice,
        secrets: tuple[str, ...],
        budget: Budget,
        usage: Usage,
        emit: Callable[..., None],
    ) -> Terms:
        """Under what terms an agent asks a model. `secrets`: what must never be shown."""
        from maf_core.llm.attempt import Terms

        slot = self._slot(choice.provider)
        return Terms(agent, choice, budget, usage, emit, slot, self._tracer, self.settings, secrets)

    def first_time(self, *what: str) -> bool:
        """Whether this process has not met this before; for what is worth one line in the log."""
        new = what not in self._seen
        self._seen.add(what)
        return new

    async def aclose(self) -> None:
        """Close all connections."""
        await self.providers.aclose()

    def _slot(self, provider: str) -> asyncio.Semaphore:
        """So many calls of one provider at once, of this process."""
        settings = self.settings.providers.get(provider, ProviderSettings())
        return self._slots.setdefault(provider, asyncio.Semaphore(settings.concurrency))
