"""The rules for agents."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_core import to_json

from maf_core.agents.base import Agent, State
from maf_core.arenas.config import AgentConfig, ArenaConfig
from maf_core.arenas.run import RunContext, RunRequest
from maf_core.arenas.state import frozen
from maf_core.context import AppContext
from maf_core.errors import ConfigError
from maf_core.plugins import PluginManager
from maf_core.records import AgentSpec
from maf_core.sources.base import SourceResult
from maf_core.testing.conformance.base import Conformance
from maf_core.testing.conformance.given import GivenModel, with_answers, with_model
from maf_core.testing.static.record_rules import STRAY_KEY

Ask = Callable[..., Awaitable[State]]


class AgentConformance(Conformance):
    """Rules for an agent role.

    Must: `name`, the role. May: `answers`, `options`, `says`, `state`, `target`, `as_of`, `plugins`.
    Never: `make_agent`, `ask`.
    """

    @pytest.fixture
    def answers(self) -> dict[str, SourceResult]:
        """May: what its bindings answer, by name; by default it has none."""
        return {}

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """May: the role's options, as in YAML; by default none. The only phase is called `look`."""
        return {}

    @pytest.fixture
    def says(self) -> Mapping[str, Any] | None:
        """May: what a model answers it, by field; by default no model is configured."""
        return None

    @pytest.fixture
    def target(self) -> dict[str, Any]:
        """May: what the run is about."""
        return {"ticker": "AAPL", "trade_date": "2024-01-02"}

    @pytest.fixture
    def as_of(self) -> datetime:
        """May: the run's present."""
        return datetime(2024, 1, 2, 21, tzinfo=UTC)

    @pytest.fixture
    def state(self, target: dict[str, Any], as_of: datetime) -> State:
        """May: the state it is given; by default that of a run that begins."""
        empty: State = {key: {} for key in ("signals", "abstentions", "reports")}
        return {"target": target, "as_of": as_of.isoformat(), "iteration": 0, **empty}

    @pytest.fixture
    def make_agent(
        self, plugins: PluginManager, answers: dict[str, SourceResult], options: dict[str, Any]
    ) -> Callable[..., Agent]:
        """Never: make the agent as the engine does for every run; keywords are further options."""

        def make(**more: Any) -> Agent:
            config = AgentConfig(name="member", role=self.name, sources=list(answers), options={**options, **more})
            agent: Agent = plugins.get("maf_agents", AgentSpec, self.name).load()(config)
            return agent

        return make

    @pytest.fixture
    def ask(
        self,
        context: AppContext,
        make_agent: Callable[..., Agent],
        says: Mapping[str, Any] | None,
        state: State,
        target: dict[str, Any],
        as_of: datetime,
    ) -> Ask:
        """Never: run the agent once, on sources that answer so and, where one is given, with this model."""

        async def run(answers: Mapping[str, SourceResult], model: GivenModel | None = None) -> State:
            agent = make_agent()
            given = with_model(with_answers(context, answers), model or (GivenModel(says) if says else None))
            arena = ArenaConfig.model_validate(
                {
                    "name": "conformance",
                    "sources": {binding: {"source": binding} for binding in answers},
                    "phases": [{"name": "look", "agents": [agent.config.model_dump()]}],
                }
            )
            request = RunRequest("conformance", target, as_of, "1")
            return await agent.run(state, RunContext(given, arena, request, "1"))

        return run

    def test_a01_role(self, make_agent: Callable[..., Agent]) -> None:
        """MAF-A01 The role makes an `Agent`.

        The engine makes one anew for every run, so that runs share nothing.
        """
        assert isinstance(make_agent(), Agent)

    def test_a02_unknown_options(self, make_agent: Callable[..., Agent]) -> None:
        """MAF-A02 Unknown options are refused.

        A misspelt option that is ignored changes a decision without a word.
        """
        with pytest.raises(ConfigError, match=STRAY_KEY):
            make_agent(**{STRAY_KEY: 1})

    @pytest.mark.asyncio
    async def test_a03_json_patch(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A03 `run` returns a patch of plain JSON.

        The state is saved after every phase, so that another worker can go on from it.
        """
        patch = await ask(answers)
        assert isinstance(patch, dict), f"it returned {type(patch).__name__}"
        frozen(patch)

    @pytest.mark.asyncio
    async def test_a04_changes_nothing(self, ask: Ask, answers: dict[str, SourceResult], state: State) -> None:
        """MAF-A04 `run` does not change the state it is given.

        It is the agent's own copy, so the change is lost: what an agent wants to change, it returns.
        """
        before = copy.deepcopy(state)
        await ask(answers)
        assert state == before, "it changed the state it was given"

    @pytest.mark.asyncio
    async def test_a05_repeatable(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A05 The same state and answers give the same patch.

        A run that is taken over repeats its last phase, and a replay must come to the same decisions.
        """
        assert to_json(await ask(answers)) == to_json(await ask(answers))

    @pytest.mark.asyncio
    async def test_a08_survives_its_model(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A08 With a model that cannot be asked it still returns a patch.

        Models are away now and then, and budgets end; the run has to come to a verdict all the same.
        """
        assert await ask(answers, GivenModel(None)) is not None
