"""An agent's bound sources, as tools that a model may call while it thinks. They only read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maf_core.agents.quoting import bounded, compact, quote
from maf_core.llm.base import Tool

if TYPE_CHECKING:
    from maf_core.arenas.run import RunContext
    from maf_core.sources.base import SourceResult

ANSWER_LIMIT = 6000  # characters of a tool's answer
_ROW = 1500  # characters of one row
_NEWEST = 50
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_PARAMETERS = {
    "type": "object",
    "properties": {"newest": {"type": "integer", "minimum": 1, "description": f"most rows, {_NEWEST} by default"}},
}


def source_tools(bindings: list[str], context: RunContext) -> list[Tool]:
    """One tool a binding, `read_<binding>`; it answers with what the run has read from there, quoted."""
    return [_tool(binding, f"read_{_NOT_A_NAME.sub('_', binding)}"[:64], context) for binding in bindings]


def _tool(binding: str, name: str, context: RunContext) -> Tool:
    async def read(arguments: Mapping[str, Any]) -> str:
        answer = await context.fetch(binding)
        return quote(excerpt(answer, _wanted(arguments)), f"source {binding}", ANSWER_LIMIT)

    source = context.arena.sources[binding].source
    return Tool(
        name, f"The newest data of {binding} (source {source}), known as of the run's moment.", read, _PARAMETERS
    )


def _wanted(arguments: Mapping[str, Any]) -> int:
    """How many rows the model asks for. Its arguments are words too: whatever is no sensible number is the default."""
    newest = arguments.get("newest")
    return newest if isinstance(newest, int) and not isinstance(newest, bool) and newest > 0 else _NEWEST


def excerpt(answer: SourceResult, newest: int, limit: int = ANSWER_LIMIT) -> str:
    """The answer as compact JSON of about `limit` characters: `as_of`, `gaps`, `data`, and in `cut` what was left out.

    Of rows, oldest first, the newest are kept.
    """
    head = {"as_of": answer.as_of.isoformat() if answer.as_of else None, "gaps": list(answer.gaps)}
    if not isinstance(answer.data, list):
        return compact({**head, "data": bounded(answer.data)})
    rows = _fitting(bounded(answer.data[-newest:]), limit - 300)
    left_out = len(answer.data) - len(rows)
    cut = {"cut": f"{left_out} older of {len(answer.data)} rows"} if left_out else {}
    return compact({**head, **cut, "data": rows})


def _fitting(rows: list[Any], limit: int) -> list[Any]:
    """The newest rows that fit into so many characters. A row that is too long is cut: it must not hide the others."""
    kept: list[Any] = []
    for row in reversed(rows):
        text = compact(row)
        limit -= min(len(text), _ROW) + 1
        if limit < 0:
            break
        kept.append(row if len(text) <= _ROW else f"{text[:_ROW]}… [cut]")
    return kept[::-1]
