"""Which models are good for what, best first.

Names of models age: behind each name of a profile stand those that its maker named as successors. Checked in November
2026; `llm.profiles` in the settings replaces a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from maf_core.errors import UnknownNameError

Dimension = Literal["intelligence", "coding", "agentic", "speed"]

# What Ollama's cloud named as successors of what it retired on 2026-07-15.
SUCCESSORS = {
    "glm-4.7": "glm-5.2",
    "qwen3-coder:480b": "qwen3.5:397b",
    "deepseek-v3.1:671b": "deepseek-v4-flash",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A use of models.

    `models`: names, with or without a provider, best first. `dimension`: the benchmark that counts here. `tier`: whose
    models come behind these. `own`: the list is the user's, and nothing that is not in it is taken.
    """

    name: str
    models: Sequence[str]
    dimension: Dimension
    tier: str | None = None
    own: bool = False


_GPT, _GLM, _QWEN, _DEEPSEEK = "gpt-oss:120b", "glm-4.7", "qwen3-coder:480b", "deepseek-v3.1:671b"
# What is taken when nothing of a profile can be had: what Ollama's free plan has, and what runs at home.
_TIERS = (
    Profile("quick", ("gpt-oss:20b", "gemma4:31b", _GPT), "speed"),
    Profile("deep", (_GPT, "gemma4:31b", "gpt-oss:20b"), "intelligence"),
)
_PROFILES = (
    Profile("synthesis", (_GPT, _DEEPSEEK, _GLM), "intelligence", "deep"),
    Profile("judge", (_GPT, _DEEPSEEK, _GLM), "intelligence", "deep"),
    Profile("json_strict", (_GPT, _GLM, _QWEN), "agentic", "deep"),
    Profile("quick", (_GLM,), "speed", "quick"),
    Profile("narrative", (_GLM, _GPT), "intelligence", "quick"),
    Profile("classification", (_GLM,), "speed", "quick"),
    Profile("coding", (_QWEN, _GLM, _GPT), "coding", "deep"),
    Profile("long_context", (_QWEN, _DEEPSEEK), "intelligence", "deep"),
    Profile("research", (_DEEPSEEK, _GPT, _GLM), "agentic", "deep"),
)
TIERS = {tier.name: tier for tier in _TIERS}
PROFILES = {**TIERS, **{profile.name: profile for profile in _PROFILES}}


def profile_of(name: str, own: Mapping[str, Sequence[str]]) -> Profile:
    """The profile of this name, its list complete; `own` are lists of the user's, which replace built-in ones.

    Raises `UnknownNameError` naming those there are.
    """
    return _complete(name, PROFILES, own)


def tier_of(name: str, own: Mapping[str, Sequence[str]]) -> Profile:
    """The tier of this name, "quick" or "deep"; raises as `profile_of` does."""
    return _complete(name, TIERS, {tier: models for tier, models in own.items() if tier in TIERS})


def _complete(name: str, known: Mapping[str, Profile], own: Mapping[str, Sequence[str]]) -> Profile:
    built_in = known.get(name)
    if name in own:
        return Profile(name, tuple(own[name]), built_in.dimension if built_in else "intelligence", own=True)
    if built_in is None:
        there = ", ".join(dict.fromkeys([*known, *own]))
        raise UnknownNameError(f"There is no profile {name!r}; there are {there}. Add yours under llm.profiles.")
    last = tier_of(built_in.tier, own).models if built_in.tier else ()
    models = [one for first in built_in.models for one in _lineage(first)]
    return Profile(name, tuple(dict.fromkeys([*models, *last])), built_in.dimension, built_in.tier)


def _lineage(name: str) -> list[str]:
    return [name, *_lineage(SUCCESSORS[name])] if name in SUCCESSORS else [name]
