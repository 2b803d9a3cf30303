"""Agents and arenas, each with one fault. `breaks` names the rules that must find it; the first has none."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType

import pytest

from maf_core import (
    Abstention,
    Agent,
    AgentOptions,
    AgentSignal,
    AgentSpec,
    ArenaSpec,
    MAFError,
    SourceResult,
    SpecialistAgent,
    hookimpl,
)
from maf_core.agents.answers import SignalAnswer
from maf_core.llm.base import Question
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.testing import AgentConformance, ArenaConformance, SpecialistConformance


class Sound(Agent):
    async def run(self, state, context):
        return {"seen": state["target"]}


class Pretender:
    Options = AgentOptions

    def __init__(self, config):
        self.config = config
        Sound(config)

    async def run(self, state, context):
        return {}


class Lax(Sound):
    class Options(AgentOptions, extra="ignore"):
        pass


class Listing(Sound):
    async def run(self, state, context):
        return ["seen"]


class Dated(Sound):
    async def run(self, state, context):
        return {"at": datetime(2024, 1, 1, tzinfo=UTC)}


class Meddling(Sound):
    async def run(self, state, context):
        state["seen"] = True
        return {}


class Sorting(Sound):
    async def run(self, state, context):
        for answer in (await context.fetch_all(self.config.sources)).values():
            (answer.data or []).sort()
        return {}


class Random(Sound):
    count = itertools.count()

    async def run(self, state, context):
        return {"n": next(self.count)}


class Trusting(SpecialistAgent):
    domain = "test"

    def routine(self, data, state):
        if data["prices"].data is None:
            return Abstention(reason="no prices")
        return AgentSignal(signal="BULLISH", confidence=0.5, summary="up")


class Opinionated(Trusting):
    def routine(self, data, state):
        return AgentSignal(signal="NEUTRAL", confidence=0.0, summary="who knows")


class Taciturn(Trusting):
    def routine(self, data, state):
        return Abstention(reason="no mood")


class Wordless(Trusting):
    def routine(self, data, state):
        said = super().routine(data, state)
        return said if isinstance(said, Abstention) else said.model_copy(update={"summary": ""})


class Silent(Trusting):
    async def run(self, state, context):
        patch = await super().run(state, context)
        return {**patch, "abstentions": {}}


class Fragile(Sound):
    async def run(self, state, context):
        if context.llm.wants_model(None):
            await context.llm.ask(Question(self.name, "Answer.", "What now?", SignalAnswer))
        return {}


class Chatty(Trusting):
    async def run(self, state, context):
        if context.llm.wants_model(None):
            with suppress(MAFError):
                await context.llm.ask(Question(self.name, "Answer.", "What now?", SignalAnswer))
        return await super().run(state, context)


class Moody(Trusting):
    async def run(self, state, context):
        patch = await super().run(state, context)
        if context.llm.wants_model(None) and patch["signals"]["member"]:
            patch["signals"]["member"]["confidence"] = 1.0
        return patch


def manager(**hooks):
    module = ModuleType("faulty")
    for hook, record in hooks.items():
        setattr(module, hook, hookimpl(lambda record=record: [record]))
    return PluginManager.load(Selection(), [Candidate("faulty", "maf-faulty", "1", module=module)])


class Given:
    name = "member_role"

    @pytest.fixture
    def plugins(self):
        return manager(maf_agents=AgentSpec(name=self.name, factory=self.agent))

    @pytest.fixture
    def answers(self):
        return {"prices": SourceResult([3, 1, 2])}


AGENTS = {
    Sound: "",
    Pretender: "a01",
    Lax: "a02",
    Listing: "a03",
    Dated: "a03",
    Meddling: "a04",
    Sorting: "",
    Random: "a05",
    Fragile: "a08",
}
SPECIALISTS = {
    Trusting: "",
    Opinionated: "a06",
    Taciturn: "a07",
    Wordless: "a07",
    Silent: "a06",
    Chatty: "a09",
    Moody: "a10",
}
for base, faults in ((AgentConformance, AGENTS), (SpecialistConformance, SPECIALISTS)):
    for kind, breaks in faults.items():
        name = f"Test{kind.__name__}"
        globals()[name] = type(name, (Given, base), {"agent": kind, "breaks": breaks})


class Dumb(Sound):
    async def run(self, state, context):
        return {}


PANEL = "name: panel\nsummary: x\nphases: [{name: decide, agents: [{name: verdict, role: synthesis}]}]\n"
ARENAS = {
    "Panel": (PANEL, ""),
    "Renamed": (PANEL.replace("name: panel", "name: other"), "n01"),
    "Invalid": ("name: panel", "n01 n02 n03 n04"),
    "Unfit": (PANEL.replace("synthesis", "oracle"), "n02 n04"),
    "Unsaid": (PANEL.replace("summary: x", "summary: ''"), "n03"),
    "Undecided": (PANEL.replace("synthesis", "dumb"), "n04"),
}


class GivenArena:
    name = "panel"

    @pytest.fixture
    def plugins(self, tmp_path):
        (tmp_path / "panel.yaml").write_text(self.text)
        arena = ArenaSpec(name="panel", factory=lambda: tmp_path / "panel.yaml")
        return manager(maf_arenas=arena, maf_agents=AgentSpec(name="dumb", factory=Dumb))


for label, (text, breaks) in ARENAS.items():
    name = f"TestArena{label}"
    globals()[name] = type(name, (GivenArena, ArenaConformance), {"text": text, "breaks": breaks})
