"""What the tests of sessions share: what is asked for, what models say, and what a run keeps."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.service import LLMService
from maf_core.llm.session import LLMSession


class Verdict(BaseModel):
    """What the models of these tests are asked for."""

    side: str
    confidence: float = Field(ge=0, le=1)


GOOD = {"side": "BUY", "confidence": 0.75}


def says(args: Any, tool: str = "final_result", tokens: tuple[int, int] = (30, 10)) -> ModelResponse:
    """A response with one tool call, or with words when there is no tool."""
    part = ToolCallPart(tool, args) if tool else TextPart(args)
    return ModelResponse(parts=[part], usage=RequestUsage(input_tokens=tokens[0], output_tokens=tokens[1]))


class MemoryRecorder:
    """A run's record that outlives its process, here as text."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}

    async def answered(self, kind: str, request: Any, ask: Callable[[], Awaitable[Any]]) -> Any:
        key = json.dumps([kind, request], sort_keys=True)
        if key not in self.answers:
            self.answers[key] = json.dumps(await ask())
        return json.loads(self.answers[key])


@dataclass
class Bench:
    """One process: its service, the session of one run, what was emitted, and which models were asked."""

    service: LLMService
    session: LLMSession
    run: str
    events: list[dict[str, Any]]
    asked: list[str] = field(default_factory=list)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]


def lab(models: dict[str, Any], asked: list[str]) -> type[LLMProvider]:
    """A provider of these models.

    Each is an answer, an exception to raise, a function of messages and info that gives one, or pydantic-ai's own.
    """

    class Lab(LLMProvider):
        name = "lab"

        def model(self, name: str) -> Model:
            if isinstance(models[name], Model):
                return models[name]

            async def function(messages: list[Any], info: Any) -> ModelResponse:
                asked.append(name)
                said = models[name]
                if callable(said):
                    said = said(messages, info)
                if isinstance(said, Awaitable):
                    said = await said
                if isinstance(said, Exception):
                    raise said
                return said if isinstance(said, ModelResponse) else says(said)

            return FunctionModel(function, model_name=name)

        async def catalogue(self) -> list[ModelInfo]:
            return [ModelInfo("lab", name) for name in models]

    return Lab
