"""A debate: agents speak in turn until they agree or the rounds are over, then a judge decides."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maf_core.agents.signals import Direction
from maf_core.arenas.config import AgentConfig, PhaseConfig
from maf_core.arenas.runner import AgentRunner, is_over
from maf_core.arenas.state import FrozenDict, State, frozen, merge, section
from maf_core.settings import explain

TURN = "turn"


class Turn(BaseModel):
    """What a debater says: where it stands, why, and how sure it is, in [0, 1]."""

    model_config = ConfigDict(extra="allow")

    stance: Direction
    argument: str
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)


async def run_debate(phase: PhaseConfig, runner: AgentRunner, state: State, ends: float | None) -> None:
    """Let the phase's agents debate under `debates.<phase>`, then the judge decide, which has time of its own.

    A debater whose patch has no `turn` abstains from this round. After a round in which all who spoke stand on the same
    side, nobody has anything to add.
    """
    debate = _Debate(phase, runner, state)
    rounds = 0
    while rounds < phase.max_rounds and await debate.round(rounds + 1, ends):
        rounds += 1
        if debate.agreed():
            break
    debate.close(rounds)
    if phase.judge:
        (patch,) = await runner.ask([phase.judge], state)
        merge(state, patch)


class _Debate:
    def __init__(self, phase: PhaseConfig, runner: AgentRunner, state: State) -> None:
        self._phase = phase
        self._runner = runner
        self._state = state
        self._turns: list[dict[str, Any]] = []
        self._stances: dict[str, str] = {}
        self._show()

    async def round(self, number: int, ends: float | None) -> bool:
        """Everybody's turn; False when the time was over first. Those who were not reached stay where they stood."""
        for debater in self._phase.agents:
            if is_over(ends):
                return False
            await self._hear(debater, number, ends)
        return True

    async def _hear(self, debater: AgentConfig, number: int, ends: float | None) -> None:
        """One turn. Everybody after it sees it."""
        (patch,) = await self._runner.ask([debater], self._state, ends)
        turn, rest = self._turn_of(debater, patch)
        merge(self._state, rest)
        self._stances.pop(debater.name, None)
        if turn is not None:
            self._stances[debater.name] = turn.stance
            said = turn.model_dump(mode="json")
            self._turns.append({**said, "agent": debater.name, "round": number})
            self._show()

    def agreed(self) -> bool:
        """Whether all who spoke last stand on the same side; nobody speaking is as good as that."""
        return len(set(self._stances.values())) <= 1

    def close(self, rounds: int) -> None:
        """Say how it ended."""
        self._show(rounds=rounds, agreed=bool(self._stances) and self.agreed())

    def _turn_of(self, debater: AgentConfig, patch: FrozenDict) -> tuple[Turn | None, State]:
        rest = {key: value for key, value in patch.items() if key != TURN}
        if patch.get(TURN) is None:
            merge(self._state, {"abstentions": {debater.name: "it took no turn"}})
            return None, rest
        try:
            return Turn.model_validate(patch[TURN]), rest
        except ValidationError as error:
            return None, self._runner.failure(debater, f"its turn is not valid: {explain(error)}")

    def _show(self, **more: Any) -> None:
        """Put the turns where the agents see them; another debate in this phase begins anew."""
        debates = {**section(self._state, "debates"), self._phase.name: {"turns": self._turns, **more}}
        self._state["debates"] = frozen(debates)
