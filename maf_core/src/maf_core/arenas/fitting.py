"""Whether the parts of an arena fit together: names, references, the way through the phases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from maf_core.mistakes import Mistake, nearest
from maf_core.yaml_lines import Location

if TYPE_CHECKING:
    from maf_core.arenas.config import AgentConfig, ArenaConfig, PhaseConfig

# What `next` names to end the run. No phase has this name.
END = "end"


def transitions(phases: Sequence[PhaseConfig]) -> dict[str, str]:
    """Which phase follows which, as configured: the one that `next` names, else the one below."""
    below = [phase.name for phase in phases[1:]] + [END]
    return {phase.name: phase.next or after for phase, after in zip(phases, below, strict=True)}


def members(arena: ArenaConfig) -> Iterator[tuple[Location, AgentConfig]]:
    """Every agent of the arena, the judges too, and where it stands."""
    for index, phase in enumerate(arena.phases):
        for number, agent in enumerate(phase.agents):
            yield ("phases", index, "agents", number), agent
        if phase.judge:
            yield ("phases", index, "judge"), phase.judge


def misfits(arena: ArenaConfig) -> Iterator[Mistake]:
    """What does not fit."""
    following = transitions(arena.phases)
    yield from _twice("phase", ((("phases", at, "name"), phase.name) for at, phase in enumerate(arena.phases)))
    yield from _twice("agent", (((*at, "name"), agent.name) for at, agent in members(arena)))
    yield from _twice("trigger", ((("triggers", at, "id"), rule.id) for at, rule in enumerate(arena.triggers)))
    for at, agent in members(arena):
        for index, binding in enumerate(agent.sources):
            yield from _unknown_binding(arena, (*at, "sources", index), f"agent {agent.name!r} reads", binding)
    for binding in arena.budget.sources:
        yield from _unknown_binding(arena, ("budget", "sources", binding), "the budget has", binding)
    wrong = list(_unknown_phases(arena, following))
    yield from wrong or _circles(arena, following)


def _twice(what: str, names: Iterable[tuple[Location, str]]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for at, name in names:
        if name in seen:
            yield Mistake(at, f"{what} name {name!r} is used twice; names are unique in an arena")
        seen.add(name)


def _unknown_binding(arena: ArenaConfig, at: Location, who: str, binding: str) -> Iterator[Mistake]:
    if binding not in arena.sources:
        known = ", ".join(arena.sources) or "none"
        words = f"{who} {binding!r}, which is not under sources ({known}).{nearest(binding, arena.sources)}"
        yield Mistake(at, words)


def _unknown_phases(arena: ArenaConfig, following: Mapping[str, str]) -> Iterator[Mistake]:
    for index, phase in enumerate(arena.phases):
        if phase.next not in (None, END, *following):
            known = ", ".join([*following, END])
            words = f"phase {phase.name!r} names {phase.next!r} as its next; there are {known}."
            yield Mistake(("phases", index, "next"), words + nearest(str(phase.next), following))


def _circles(arena: ArenaConfig, following: Mapping[str, str]) -> Iterator[Mistake]:
    """Following the configuration alone must end; going back is for agents to decide, and bounded."""
    told: set[str] = set()
    for index, phase in enumerate(arena.phases):
        path = [phase.name]
        while path[-1] != END and path[-1] not in path[:-1]:
            path.append(following[path[-1]])
        if path[-1] != END and not told & set(path):
            told.update(path)
            words = f"the phases {' → '.join(path)} go in a circle; give one of them next: {END}"
            yield Mistake(("phases", index, "next"), words)
