"""The order of phases: as configured, unless the state names the next one for one hop."""

from __future__ import annotations

from collections.abc import Sequence

from maf_core.arenas.config import PhaseConfig
from maf_core.arenas.state import State
from maf_core.errors import RunError

NEXT_PHASE = "_next_phase"


class PhaseGraph:
    """Follows the phases of an arena, at most `max_phases` of them."""

    def __init__(self, phases: Sequence[PhaseConfig], max_phases: int) -> None:
        self._phases = list(phases)
        self._index = {phase.name: at for at, phase in enumerate(phases)}
        self._left = max_phases

    def first(self) -> PhaseConfig:
        """The phase a run begins with."""
        return self.named(self._phases[0].name)

    def named(self, name: str) -> PhaseConfig:
        """A phase by name. Raises `RunError` for an unknown one, and when there were too many hops."""
        if name not in self._index:
            raise RunError(f"there is no phase {name!r}; this arena has {', '.join(self._index)}")
        if self._left <= 0:
            raise RunError("the run went through more phases than limits.max_phases allows")
        self._left -= 1
        return self._phases[self._index[name]]

    def after(self, phase: PhaseConfig, state: State) -> PhaseConfig | None:
        """The next phase, or None at the end. Takes `_next_phase` out of the state."""
        override = state.pop(NEXT_PHASE, None)
        if override is not None:
            return self.named(str(override))
        at = self._index[phase.name] + 1
        return self.named(self._phases[at].name) if at < len(self._phases) else None
