"""The rules that specialists keep beside those for agents."""

from __future__ import annotations

from typing import Any

import pytest

from maf_core.agents.base import State
from maf_core.agents.signals import AgentSignal
from maf_core.sources.base import SourceResult
from maf_core.testing.conformance.agent import AgentConformance, Ask
from maf_core.testing.conformance.base import missing
from maf_core.testing.conformance.given import GivenModel


class SpecialistConformance(AgentConformance):
    """Rules for a specialist, beside those for agents.

    Must: `name`, the role; `answers`, from which it can judge. May and never: as for agents.
    """

    @pytest.fixture
    def answers(self) -> dict[str, SourceResult]:
        """Must: what its bindings answer, by name, when there is enough to judge."""
        missing("answers", "data from which the specialist can judge, by the name of the binding")

    @pytest.mark.asyncio
    async def test_a06_abstains(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A06 Without data it abstains, with a reason, and gives no signal.

        A neutral opinion that rests on nothing would count as a vote.
        """
        patch = await ask({binding: SourceResult(None, gaps=(f"no_{binding}",)) for binding in answers})
        assert patch.get("abstentions", {}).get("member"), "it did not say why it abstains"
        assert not patch.get("signals", {}).get("member"), "it gave a signal from nothing"

    @pytest.mark.asyncio
    async def test_a07_speaks(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A07 With data it gives a valid signal and a summary, under its own name.

        The synthesis counts signals by agent, and people read the summary.
        """
        signal = (await ask(answers)).get("signals", {}).get("member")
        assert signal, "it abstained"
        assert signal["agent"] == "member"
        assert AgentSignal.model_validate(signal).summary, "the signal has no summary"

    @pytest.mark.asyncio
    async def test_a09_asks_nobody_about_nothing(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A09 Without data it asks no model.

        A model that is asked about nothing says something all the same, and costs.
        """
        model = GivenModel(None)
        await ask({binding: SourceResult(None, gaps=(f"no_{binding}",)) for binding in answers}, model)
        assert not model.asked, "it asked a model without data"

    @pytest.mark.asyncio
    async def test_a10_falls_back(self, ask: Ask, answers: dict[str, SourceResult]) -> None:
        """MAF-A10 When its model cannot be asked it judges as it does without one.

        Numbers are computed by code; what the model would have said instead, nobody knows.
        """
        without = _signal(await ask(answers, GivenModel(None, wanted=False)))
        assert _signal(await ask(answers, GivenModel(None))) == without, "it changed its signal"


def _signal(patch: State) -> tuple[Any, Any] | None:
    signal = patch.get("signals", {}).get("member")
    return (signal["signal"], signal["confidence"]) if signal else None
