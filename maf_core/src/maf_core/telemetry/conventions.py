"""What spans call things: OpenTelemetry's semantic conventions for generative AI, `maf.…` for what is ours.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "operation": "gen_ai.operation.name",
    "agent": "gen_ai.agent.name",
    "provider": "gen_ai.provider.name",
    "model": "gen_ai.request.model",
    "max_tokens": "gen_ai.request.max_tokens",
    "answered_by": "gen_ai.response.model",
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
    "tool": "gen_ai.tool.name",
}
_PLAIN = (str, bool, int, float)


def named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes under their conventional names, with values that every exporter takes."""
    return {_name(key): _value(value) for key, value in attributes.items() if value is not None}


def described(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a new span: those given, and the operation that follows from them."""
    if "provider" in attributes:
        return named({"operation": "chat", **attributes})
    if "agent" in attributes:
        return named({"operation": "invoke_agent", **attributes})
    return named(attributes)


def calls_out(attributes: Mapping[str, Any]) -> bool:
    """Whether the span waits for somebody else: a model or a source."""
    return "provider" in attributes or "source" in attributes


def _name(key: str) -> str:
    return key if "." in key else _NAMES.get(key, f"maf.{key}")


def _value(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [str(item) for item in value]  # an attribute's items are all of one type
    return str(value)
