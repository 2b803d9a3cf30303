"""The control plane's words: commands on `maf:control:in`. The answers are in `answers.py`."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError, to_json
from redis.asyncio import Redis

from maf_core.arenas.config import ActionMode
from maf_core.clock import parse_time
from maf_core.envelopes import require_version
from maf_core.errors import BadEntryError
from maf_core.settings import explain
from maf_core.streams.names import CONTROL_IN
from maf_core.streams.publish import publish_once

MAX_DEPTH = 16

_ID = r"^[\w.:-]+$"


def new_id() -> str:
    """A fresh id: 32 lowercase hex characters."""
    return uuid4().hex


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """What JSON can hold, and a run's record can too."""
    _check_plain(content, MAX_DEPTH)
    return content


def _check_plain(value: Any, depth: int) -> None:
    if depth < 0:
        raise _not_plain(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise _not_plain(f"the key {key!r} is no text; JSON has no other keys")
            _check_plain(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _not_plain(f"JSON has no number {value}")
    elif not isinstance(value, str | int | float | bool | None):
        raise _not_plain(f"a {type(value).__name__} is no JSON value")


def _not_plain(why: str) -> PydanticCustomError:
    return PydanticCustomError("not_plain", "{why}", {"why": why})


Plain = Annotated[dict[str, Any], AfterValidator(_plain)]


class Command(BaseModel):
    """One entry of `maf:control:in`. `as_of`: what may be known; by default the service's clock says.

    `action_id`, `who`, `why`: of `approve_action` and `reject_action`, the run whose action it is, and whose word.
    `arena_id`: of `cancel_run`, the run, or the command that it came of.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    command: str
    command_id: str = Field(default_factory=new_id, min_length=1, max_length=200, pattern=_ID)
    arena: str = ""
    target: Plain = Field(default_factory=dict)
    action_mode: ActionMode | None = None
    source: str = ""
    trigger: Plain | None = None
    arena_id: str = ""
    action_id: str = ""
    who: str = ""
    why: str = ""
    requested_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    as_of: Annotated[datetime, AfterValidator(parse_time)] | None = None

    @classmethod
    def parse(cls, payload: dict[str, Any], max_bytes: int | None = None) -> Command:
        """Read a command.

        Raises `BadEntryError` for one of another schema version, for one larger than `max_bytes` as JSON, and for one
        that is not valid, naming each wrong field.
        """
        require_version(payload, "the command")
        if max_bytes is not None and (size := len(to_json(payload))) > max_bytes:
            raise BadEntryError(f"the command has {size} bytes; no more than {max_bytes} are taken")
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            raise BadEntryError(f"the command is not valid: {explain(error)}") from error

    @property
    def run(self) -> str:
        """What `cancel_run` is about: `arena_id`, else `arena_id` or `command_id` of the target."""
        named = self.arena_id or self.target.get("arena_id") or self.target.get("command_id")
        return named if isinstance(named, str) else ""

    @property
    def asker(self) -> str:
        """Whose word it is, as far as the command says."""
        return self.who or self.source or CONTROL_IN

    def lacks(self, key: str) -> bool:
        """Whether the target has nothing under `key`; zero and false are something."""
        value = self.target.get(key)
        return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


async def send(redis: Redis, command: Command) -> str:
    """Put a command on the control stream, once for its id, and return the id."""
    payload = command.model_dump(mode="json")
    await publish_once(redis, CONTROL_IN, command.command_id, payload)
    return command.command_id
