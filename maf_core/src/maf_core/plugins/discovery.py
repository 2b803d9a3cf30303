"""What is installed, read from metadata alone: nothing here imports a plugin."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

GROUP = "maf"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry point of the group `maf`: a plugin that could be loaded."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()
    entry_point: EntryPoint | None = None
    module: Any = None

    def load(self) -> Any:
        """Import the plugin's module (built-ins bring theirs along)."""
        return self.entry_point.load() if self.entry_point is not None else self.module


@dataclass(frozen=True, slots=True)
class Selection:
    """Which plugins the user wants. `only=None` means all that are installed."""

    only: frozenset[str] | None = None
    disabled: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def from_names(cls, only: str | Iterable[str] | None = None, disabled: str | Iterable[str] = ()) -> Selection:
        """Build a selection from comma-separated text or names; an empty text selects none."""
        return cls(None if only is None else _names(only), _names(disabled))

    @classmethod
    def from_environment(cls, only: str | None = None) -> Selection:
        """`only` (the command line) wins over MAF_PLUGINS; MAF_DISABLE_PLUGINS applies either way."""
        chosen = only if only is not None else os.environ.get("MAF_PLUGINS")
        return cls.from_names(chosen, os.environ.get("MAF_DISABLE_PLUGINS", ""))

    def wants(self, name: str) -> bool:
        """Tell whether the plugin of this name is to be loaded."""
        return name not in self.disabled and (self.only is None or name in self.only)


def _names(value: str | Iterable[str]) -> frozenset[str]:
    parts = value.split(",") if isinstance(value, str) else value
    return frozenset(part.strip() for part in parts if part.strip())


def discover() -> list[Candidate]:
    """Every installed plugin, by name. Takes a few milliseconds, whatever the plugins import."""
    found = [
        Candidate(
            name=point.name,
            distribution=point.dist.name if point.dist else "unknown",
            version=point.dist.version if point.dist else "",
            requires=tuple(point.dist.requires or ()) if point.dist else (),
            entry_point=point,
        )
        for point in entry_points(group=GROUP)
    ]
    return sorted(found, key=lambda candidate: (candidate.name, candidate.distribution))


def incompatibility(candidate: Candidate, core_version: str) -> str | None:
    """Say why this plugin does not fit the installed core, or return None when it does."""
    for text in candidate.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not applies or canonicalize_name(requirement.name) != "maf":
            continue
        if not requirement.specifier.contains(core_version, prereleases=True):
            return (
                f"{candidate.distribution} {candidate.version} needs maf{requirement.specifier}, "
                f"this is maf {core_version}. Run: pip install -U maf {candidate.distribution}"
            )
    return None
