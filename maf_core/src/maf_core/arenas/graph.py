"""The order of phases: as configured, unless the state names the next one for one hop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maf_core.arenas.config import PhaseConfig
from maf_core.arenas.fitting import END, transitions
from maf_core.errors import RunError

NEXT_PHASE = "_next_phase"


class PhaseGraph:
    """The phases of an arena and which follows which."""

    def __init__(self, phases: Sequence[PhaseConfig]) -> None:
        self._phases = {phase.name: phase for phase in phases}
        self._following = transitions(phases)
        self.first = phases[0]

    def named(self, name: str) -> PhaseConfig:
        """A phase by name. Raises `RunError` for an unknown one."""
        if name not in self._phases:
            raise RunError(f"there is no phase {name!r}; this arena has {', '.join(self._phases)}")
        return self._phases[name]

    def after(self, phase: PhaseConfig, override: Any = None) -> PhaseConfig | None:
        """The phase that follows, or None at the end; `override` is what the state names for this hop."""
        name = self._following[phase.name] if override is None else str(override)
        return None if name == END else self.named(name)
