"""Which model to ask: what was named, else the best of a profile that can be had now.

picker = ModelPicker(Providers(settings.llm, plugins), settings.llm)
for choice in await picker.candidates("profile:judge"):
    ...  # ask it; when it fails: picker.refused(choice, fault.sentence, fault.rest_s), and on to the next
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from maf_core.errors import NoModelError
from maf_core.llm.base import ModelChoice
from maf_core.llm.catalogue import Catalogue, Listing, Offer, distinct, offer
from maf_core.llm.faults import LATER_S
from maf_core.llm.profiles import Profile, profile_of, tier_of
from maf_core.llm.providers import Providers, split_model
from maf_core.llm.rankings_order import RankedOrder
from maf_core.llm.refusals import Refusals
from maf_core.settings import LLMSettings

RULES = "rules"
_SHOWN = 12


class ModelPicker:
    """Chooses models for one service. `data_dir`: where rankings are kept; `now`: seconds that only go forward."""

    def __init__(
        self,
        providers: Providers,
        settings: LLMSettings,
        *,
        data_dir: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = providers
        self._settings = settings
        self._catalogue = Catalogue(now)
        self._refusals = Refusals(now)
        self._ranked = RankedOrder(settings, data_dir)

    async def candidates(self, wanted: str) -> list[ModelChoice]:
        """The models to ask, best first, each with the reason for it; never empty.

        `wanted`: "provider:name" for just that one; "profile:NAME" or "tier:NAME"; or a model's name alone, which is
        looked for in all catalogues. Raises `NoModelError` when there is none, saying why for each, and
        `UnknownNameError` for a profile nobody knows.
        """
        kind, name = split_model(wanted)
        if kind == "profile":
            return await self._of_profile(profile_of(name, self._settings.profiles))
        if kind == "tier":
            return await self._of_profile(tier_of(name, self._settings.profiles))
        if wanted == RULES:
            raise NoModelError('No model is configured: it says "rules". Name one, for example profile:judge.')
        if name and self._providers.has(kind):
            return [self._named(ModelChoice(kind, name, "as named"))]
        return await self._of_profile(Profile(wanted, (wanted,), "intelligence", own=True))

    def refused(self, choice: ModelChoice, reason: str, rest_s: float = LATER_S) -> None:
        """Leave this model alone for a while; `candidates` goes without it until then. 0: do not."""
        self._refusals.add(choice, reason, rest_s)

    async def listings(self) -> list[Listing]:
        """What every provider that is set up offers, or why that is not known."""
        return list(await asyncio.gather(*map(self._catalogue.of, self._providers.ready)))

    async def status(self) -> list[str]:
        """What is offered, what rests and what is ranked, a line each, for people."""
        offered = [
            f"{one.provider}: {one.problem or f'{len(one.models)} models offered'}" for one in await self.listings()
        ]
        return [*offered, *self._refusals.all(), *await self._ranked.status()]

    def _named(self, choice: ModelChoice) -> ModelChoice:
        if why := self._refusals.why(choice):
            raise NoModelError(f"{why} Wait, or name another model.")
        return choice

    async def _of_profile(self, profile: Profile) -> list[ModelChoice]:
        listings = await self.listings()
        found: list[ModelChoice] = []
        guessed: list[ModelChoice] = []
        passed: list[str] = []
        for entry in profile.models:
            offered = await self._offer(entry, listings)
            why = self._refusals.why(offered.choice) if offered.choice else offered.note
            if offered.choice is None or why:
                passed.append(why)
            else:
                choice = replace(offered.choice, reason=_reason(profile, offered, passed))
                (guessed if offered.guess else found).append(choice)
        choices = [*await self._ranked.order(profile, found, self._others(listings)), *guessed]
        if not choices:
            raise NoModelError(_nothing(profile, passed, listings))
        return distinct(choices)

    async def _offer(self, entry: str, listings: Sequence[Listing]) -> Offer:
        """Where an entry of a list can be had: at the provider that it names, else anywhere."""
        provider, name = split_model(entry)
        if not name or not self._providers.has(provider):
            return offer(entry, listings)
        there = self._providers.get(provider)
        found = replace(offer(name, [await self._catalogue.of(there)]), guess=False)
        if found.choice is None and not there.lists_all:
            return Offer(ModelChoice(provider, name), "not in its catalogue, which is not all it has")
        return found

    def _others(self, listings: Sequence[Listing]) -> list[ModelChoice]:
        """Everything on offer that answers questions and does not rest."""
        offered = [ModelChoice(one.provider, model.name) for one in listings for model in one.chatting]
        return [choice for choice in offered if not self._refusals.why(choice)]


def _reason(profile: Profile, offered: Offer, passed: Sequence[str]) -> str:
    before = "; ".join(passed) or f"first of {len(profile.models)}"
    return f"profile {profile.name}: {before}" + (f"; {offered.note}" if offered.note else "")


def _nothing(profile: Profile, passed: Sequence[str], listings: Sequence[Listing]) -> str:
    names = [f"{one.provider}:{model.name}" for one in listings for model in one.chatting]
    shown = ", ".join(names[:_SHOWN]) + (" and more" if len(names) > _SHOWN else "")
    fix = f"Offered are {shown}; name one as llm.model, or in a list under llm.profiles." if names else ""
    return f"No model for {profile.name}: {'; '.join(passed)}. {fix}".strip()
