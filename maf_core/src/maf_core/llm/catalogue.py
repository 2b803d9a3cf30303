"""What the providers offer, asked once in a while and remembered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from maf_core.errors import LLMError
from maf_core.llm.base import LLMProvider, ModelChoice, ModelInfo
from maf_core.llm.faults import without_secrets
from maf_core.llm.rankings_names import NOTHING, normalised

TTL_S = 300.0
# A server that was away is asked again sooner.
RETRY_S = 15.0
_CLOUD_ENDINGS = ("-cloud", ":cloud")


@dataclass(frozen=True, slots=True)
class Listing:
    """What one provider offers. `problem`: why that is not known, in a sentence."""

    provider: str
    models: tuple[ModelInfo, ...] = ()
    problem: str = ""

    @property
    def chatting(self) -> list[ModelInfo]:
        """The models that answer questions, as far as the provider says what they can."""
        return [model for model in self.models if not model.capabilities or "completion" in model.capabilities]

    def find(self, name: str) -> ModelInfo | None:
        """The model of this name: exactly, else its `latest`, else in Ollama's cloud, else in another spelling."""
        found = {model.name: model for model in self.chatting}
        cloud = [name.removesuffix(":latest") + ending for ending in _CLOUD_ENDINGS]
        exact = next((found[one] for one in (name, f"{name}:latest", *cloud) if one in found), None)
        same = (model for model in self.chatting if normalised(model.name) == normalised(name) != NOTHING)
        return exact or next(same, None)


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a model can be had.

    `choice`: None when nowhere. `note`: why not, or why no catalogue shows it. `guess`: which provider it is, is one.
    """

    choice: ModelChoice | None
    note: str = ""
    guess: bool = False


def offer(name: str, listings: Sequence[Listing]) -> Offer:
    """Where this model can be had: where it is listed, else where nobody could look."""
    for listing in listings:
        if found := listing.find(name):
            return Offer(ModelChoice(listing.provider, found.name))
    for listing in listings:
        if listing.problem:
            return Offer(ModelChoice(listing.provider, name), f"taken unseen: {listing.problem}", guess=True)
    return Offer(None, f"{name} is not offered by {', '.join(listing.provider for listing in listings)}")


def distinct(choices: Iterable[ModelChoice]) -> list[ModelChoice]:
    """Each model once, where it came first."""
    found: dict[str, ModelChoice] = {}
    for choice in choices:
        found.setdefault(str(choice), choice)
    return list(found.values())


class Catalogue:
    """Listings by provider. `now`: seconds that only go forward."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._listed: dict[str, tuple[float, Listing]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, provider: LLMProvider) -> Listing:
        """What the provider offers; many who ask at once cause one request."""
        async with self._locks.setdefault(provider.name, asyncio.Lock()):
            until, listing = self._listed.get(provider.name, (0.0, None))
            if listing is None or self._now() >= until:
                listing = await _ask(provider)
                self._listed[provider.name] = (self._now() + (RETRY_S if listing.problem else TTL_S), listing)
            return listing


async def _ask(provider: LLMProvider) -> Listing:
    try:
        return Listing(provider.name, tuple(await provider.catalogue()))
    except LLMError as error:
        return Listing(provider.name, problem=str(error))
    except Exception as error:  # noqa: BLE001 - a plugin's provider that fails must not keep the others from being asked
        said = without_secrets(f"{type(error).__name__}: {error}", provider.secrets)
        return Listing(provider.name, problem=f"The provider {provider.name} failed: {said}")
