"""Puts models into the order that public benchmarks give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maf_core.llm.base import ModelChoice
from maf_core.llm.catalogue import distinct
from maf_core.llm.profiles import Profile
from maf_core.llm.rankings import Rankings
from maf_core.llm.rankings_cache import RankingsCache, rankings_wanted
from maf_core.settings import LLMSettings

# Speed is worth nothing in a model that does not understand: of the fast ones, those at least half as good as the best.
_GOOD_ENOUGH = 0.5
_BILLION = 1e9


@dataclass(frozen=True, slots=True)
class _Rank:
    choice: ModelChoice
    score: float | None
    tokens: int

    @property
    def key(self) -> tuple[bool, float, int]:
        return (self.score is not None, self.score or 0.0, self.tokens)


class RankedOrder:
    """Orders choices by rankings; leaves them as they are when nobody asked for rankings."""

    def __init__(self, settings: LLMSettings, data_dir: Path | None = None) -> None:
        self.cache = RankingsCache(settings.rankings, data_dir) if rankings_wanted(settings) else None

    async def order(
        self, profile: Profile, choices: Sequence[ModelChoice], others: Sequence[ModelChoice]
    ) -> list[ModelChoice]:
        """The choices, best first by the profile's benchmark; what nobody has measured comes last, as it was.

        `others`: models that are offered and not in the list; a list of the user's own takes none of them.
        """
        if self.cache is None:
            return list(choices)
        rankings = await self.cache.get()
        pool = distinct([*choices, *(() if profile.own else others)])
        ranked = sorted(_ranks(rankings, profile, pool), key=lambda rank: rank.key, reverse=True)
        if not ranked:
            return _as_listed(choices, rankings)
        taken = {str(rank.choice) for rank in ranked}
        chosen = [replace(rank.choice, reason=_reason(profile, rank, len(pool))) for rank in ranked]
        return [*chosen, *(choice for choice in choices if str(choice) not in taken)]

    async def status(self) -> list[str]:
        """What is ranked, a line each."""
        if self.cache is None:
            return ["rankings: not used; MAF_USE_RANKINGS=1 or llm.use_rankings turns them on"]
        rankings = await self.cache.get()
        counts = f"rankings: {len(rankings.scores.rows)} models measured, {len(rankings.usage.tokens)} by usage"
        return [counts, *rankings.credits, *rankings.problems]


def _ranks(rankings: Rankings, profile: Profile, pool: Sequence[ModelChoice]) -> list[_Rank]:
    every = [
        _Rank(choice, rankings.score(choice.name, profile.dimension), rankings.tokens(choice.name)) for choice in pool
    ]
    ranks = [rank for rank in every if rank.score is not None or rank.tokens]
    return _good_enough(rankings, ranks) if profile.dimension == "speed" else ranks


def _good_enough(rankings: Rankings, ranks: Sequence[_Rank]) -> list[_Rank]:
    good = [rankings.score(rank.choice.name, "intelligence") or 0.0 for rank in ranks]
    return [rank for rank, one in zip(ranks, good, strict=True) if one >= _GOOD_ENOUGH * max(good)]


def _reason(profile: Profile, rank: _Rank, offered: int) -> str:
    if rank.score is not None:
        return f"profile {profile.name}: {profile.dimension} {rank.score:g} by benchmark, of {offered} offered"
    return f"profile {profile.name}: not measured, {rank.tokens / _BILLION:.1f} billion tokens a week by usage"


def _as_listed(choices: Sequence[ModelChoice], rankings: Rankings) -> list[ModelChoice]:
    """Without rankings the list counts, and the first choice says why there are none."""
    why = " ".join(rankings.problems) or "Rankings know none of the models that are offered."
    return [replace(choice, reason=f"{choice.reason}. {why}") for choice in choices[:1]] + list(choices[1:])
