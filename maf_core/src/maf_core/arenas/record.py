"""A run as it is kept: its head, its state and the recorded answers, as the fields of a Redis hash.

`head` says what was asked and how far the run is, `state:<key>` stands for every top-level key of the state,
`answer:<what was asked>` for every recorded answer, and `epoch` counts how often a worker took the run up. `definition`
is the digest of the arena as it was when the run began. All other values are JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from maf_core.arenas.config import ActionMode
from maf_core.arenas.run import RunRequest, RunStatus
from maf_core.arenas.state import State, frozen
from maf_core.clock import parse_time
from maf_core.errors import RunError
from maf_core.settings import explain
from maf_core.streams.raw import text

FORMAT = 2
_STATE, _ANSWER = "state:", "answer:"
_NOTHING = object()

Fields = dict[str, bytes]
Moment = Annotated[datetime, AfterValidator(parse_time)]


class RunHead(BaseModel):
    """What was asked, and how far the run is.

    `next_phase`: where it goes on; None while it is running: from the start. `phases`: how many are finished. `round`:
    how often sources were asked anew. `keys`: those of the state, in order. `stopped`: what ended the run early.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    arena: str
    command_id: str
    target: dict[str, Any]
    as_of: Moment
    action_mode: ActionMode | None = None
    trigger: dict[str, Any] | None = None
    correlation_id: str
    status: RunStatus = "running"
    next_phase: str | None = None
    phases: int = 0
    round: int = 0
    keys: list[str] = Field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    stopped: str | None = None
    created_at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: Moment = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def request(self) -> RunRequest:
        """What was asked."""
        return RunRequest(self.arena, self.target, self.as_of, self.command_id, self.action_mode, self.trigger)


@dataclass(slots=True)
class RunRecord:
    """A run as kept. The values of `state` are frozen; `answers` are the recorded ones, as bytes."""

    head: RunHead
    state: State
    epoch: int = 1
    answers: dict[str, bytes] = field(default_factory=dict)
    saved: State = field(default_factory=dict)
    definition: str = ""

    def changed(self) -> Fields:
        """The head, and what has changed in the state since `saved`; what is the same object has not changed."""
        self.head.keys = list(self.state)
        changed = {key: value for key, value in self.state.items() if self.saved.get(key, _NOTHING) is not value}
        fields = {_STATE + key: to_json(value) for key, value in changed.items()}
        return {"head": self.head.model_dump_json().encode(), **fields}


def run_key(arena_id: str) -> str:
    """The key of a run's hash."""
    return f"maf:run:{{{arena_id}}}"


def answer_field(key: str) -> str:
    """The field of a recorded answer."""
    return _ANSWER + key


def record_of(arena_id: str, fields: Mapping[Any, Any]) -> RunRecord:
    """Read a whole record. Raises `RunError` for one that is broken, or that a newer version wrote."""
    head = head_of(arena_id, fields.get(b"head"))
    named = {text(name): value for name, value in fields.items()}
    try:
        state = {key: frozen(from_json(named[_STATE + key])) for key in head.keys}
        epoch = int(named["epoch"])
    except KeyError as error:
        raise unreadable(arena_id, f"it lacks {error}") from error
    except ValueError as error:
        raise unreadable(arena_id, str(error)) from error
    definition = named.get("definition", b"").decode()
    return RunRecord(head, state, epoch, dict(_answers(named)), dict(state), definition)


def _answers(fields: Fields) -> Iterator[tuple[str, bytes]]:
    return ((name.removeprefix(_ANSWER), value) for name, value in fields.items() if name.startswith(_ANSWER))


def head_of(arena_id: str, saved: Any) -> RunHead:
    """Read a head; raises as `record_of` does."""
    try:
        content = from_json(saved or b"")
        version = int(content["format"])
    except (ValueError, TypeError, KeyError) as error:
        raise unreadable(arena_id, f"its head is broken ({error})") from error
    if version > FORMAT:
        raise RunError(
            f"The record of run {arena_id} was written by a newer version of MAF (format {version}; this one reads "
            f"{FORMAT}). Let a service of that version finish it, or upgrade this one."
        )
    try:
        return RunHead.model_validate(content)
    except ValidationError as error:
        raise unreadable(arena_id, explain(error)) from error


def unreadable(arena_id: str, why: str) -> RunError:
    """What to say of a record that cannot be read."""
    return RunError(
        f"The record of run {arena_id} cannot be read: {why}. To have it run anew, delete the key {run_key(arena_id)}."
    )
