"""A question's tools, as pydantic-ai calls them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_ai import Tool as CallableTool
from pydantic_core import SchemaValidator, core_schema, from_json, to_json, to_jsonable_python

from maf_core.llm.faults import without_secrets
from maf_core.streams.consume import SERVER_AWAY

if TYPE_CHECKING:
    from maf_core.llm.base import Tool

log = structlog.get_logger(__name__)

_AGAIN = "You have made this very call before. Its answer was the one below; work with it, or give your final answer."
# Without a schema of its own pydantic-ai hands on whatever JSON the model sent, and only objects can be arguments.
_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))


class Toolbox:
    """The tools of one question. The same call a second time is answered from the record of the first, and says so."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self._answers: dict[bytes, asyncio.Future[Any]] = {}

    def tools(self) -> list[CallableTool[None]]:
        """What to give to an agent of pydantic-ai."""
        return [self._callable(tool) for tool in self._tools]

    def _callable(self, tool: Tool) -> CallableTool[None]:
        async def call(**arguments: Any) -> Any:
            return await self._answer(tool, arguments)

        made: CallableTool[None] = CallableTool.from_schema(
            call, tool.name, tool.description, dict(tool.parameters), takes_ctx=False
        )
        made.function_schema.validator = _OBJECT
        return made

    async def _answer(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        call = to_json([tool.name, dict(sorted(arguments.items()))])
        known = self._answers.get(call)
        if known is not None:
            return {"note": _AGAIN, "answer": await asyncio.shield(known)}
        self._answers[call] = future = asyncio.get_running_loop().create_future()
        try:
            answer = await _called(tool, arguments)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # looked at, also when nobody else waits
            raise
        future.set_result(answer)
        return answer


def sendable(text: str) -> str:
    """The text without the halves of characters that a source's data may hold: no request can carry them."""
    return text.encode(errors="replace").decode()


async def _called(tool: Tool, arguments: Mapping[str, Any]) -> Any:
    """What the tool answers, as JSON data. A tool is a plugin's code: when it fails, the model is told so."""
    try:
        answer = await tool.call(arguments)
        return from_json(sendable(json.dumps(answer, ensure_ascii=False, default=_plain)))
    except SERVER_AWAY:
        raise
    except Exception as error:  # noqa: BLE001
        log.warning("tool_failed", tool=tool.name, error=str(error))
        return {"error": without_secrets(f"{tool.name} failed: {type(error).__name__}: {error}")}


def _plain(value: Any) -> Any:
    return to_jsonable_python(value, fallback=str)
