"""The control plane's words: commands on `maf:control:in`, answers on `maf:control:out`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from maf_core.arenas.config import ActionMode
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError
from maf_core.settings import explain
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT
from maf_core.streams.publish import publish_once

AnswerStatus = Literal["accepted", "completed", "failed", "rejected"]


def new_id() -> str:
    """A fresh id: 32 lowercase hex characters."""
    return uuid4().hex


class Command(BaseModel):
    """One entry of `maf:control:in`. `as_of`: what may be known; by default the service's clock says.

    `action_id`, `who`, `why`: of `approve_action` and `reject_action`, the run whose action it is, and whose word.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    command: str
    command_id: str = Field(default_factory=new_id, min_length=1, max_length=200, pattern=r"^[\w.:-]+$")
    arena: str = ""
    target: dict[str, Any] = Field(default_factory=dict)
    action_mode: ActionMode | None = None
    source: str = ""
    trigger: dict[str, Any] | None = None
    action_id: str = ""
    who: str = ""
    why: str = ""
    requested_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    as_of: Annotated[datetime, AfterValidator(parse_time)] | None = None

    @classmethod
    def parse(cls, payload: dict[str, Any]) -> Command:
        """Read a command; raises `BadEntryError` naming each wrong field."""
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            raise BadEntryError(f"the command is not valid: {explain(error)}") from error


async def send(redis: Redis, command: Command) -> str:
    """Put a command on the control stream, once for its id, and return the id."""
    payload = command.model_dump(mode="json")
    await publish_once(redis, CONTROL_IN, command.command_id, payload)
    return command.command_id


async def answer(
    redis: Redis, command_id: str, status: AnswerStatus, *, arena_id: str = "", error: str | None = None
) -> None:
    """Answer a command, once for each status."""
    payload = {
        "command_id": command_id,
        "status": status,
        "arena_id": arena_id,
        "error": error,
        "ts": datetime.now(UTC).isoformat(),
    }
    await publish_once(redis, CONTROL_OUT, f"{command_id}:{status}", payload)
