"""Models whose answers come from a file, so that a test of what they do needs none of them.

`model: recorded:PROVIDER:NAME` answers as PROVIDER:NAME did when MAF_RECORD=1 was set; see the fixture `recorded_llm`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from maf_core.errors import LLMError
from maf_core.hookspecs import hookimpl
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.providers import Providers, split_model
from maf_core.llm.providers.needs import llm_packages
from maf_core.plugins import Candidate
from maf_core.records import LLMProviderSpec
from maf_core.settings import LLMSettings

if TYPE_CHECKING:
    from pydantic_ai.models import Model

PROVIDER = "recorded"
_WORDS = 80


class Recordings:
    """The answers in one file, by what was asked. `missing`: a sentence for each question that had none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.missing: list[str] = []
        self._answers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @property
    def recording(self) -> bool:
        """Whether what is missing is asked, and kept."""
        return os.environ.get("MAF_RECORD", "0") not in ("", "0")

    @property
    def models(self) -> list[str]:
        """Whose answers there are."""
        return sorted({answer["model"] for answer in self._answers.values()})

    def find(self, model: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """The response to this question, if there is one."""
        found = self._answers.get(_key(model, asked))
        return found["response"] if found else None

    def keep(self, model: str, asked: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Write the answer into the file, next to the question, for people to read."""
        self._answers[_key(model, asked)] = {"model": model, "asked": asked["messages"], "response": response}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(self._answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(self.path)

    def not_there(self, model: str, asked: Mapping[str, Any]) -> LLMError:
        """What to do about a question that was never recorded."""
        words = _last_words(asked)
        sentence = f"{self.path.name} has no answer of {model} to {words!r}. Ask it once: MAF_RECORD=1 pytest"
        self.missing.append(sentence)
        return LLMError(sentence)


class RecordedModels(LLMProvider):
    """The provider `recorded`: its models have the names of those whose answers they give."""

    name = PROVIDER

    def __init__(self, settings: LLMSettings, recordings: Recordings, real: Callable[[], Providers]) -> None:
        super().__init__(settings)
        self._recordings = recordings
        self._real = real
        self._opened: Providers | None = None

    def model(self, name: str) -> Model:
        """The model that answers from the file; while recording, the real one answers what is missing there."""
        with llm_packages():
            from maf_core.testing.recorded_model import RecordedModel
        return RecordedModel(name, self._recordings, lambda: self._ask_really(name))

    async def catalogue(self) -> list[ModelInfo]:
        """Those in the file."""
        return [ModelInfo(self.name, name) for name in self._recordings.models]

    async def aclose(self) -> None:
        """Close what recording has opened."""
        if self._opened is not None:
            await self._opened.aclose()

    def _ask_really(self, name: str) -> Model:
        self._opened = self._opened or self._real()
        provider, model = split_model(name)
        return self._opened.get(provider).model(model)


def recorded_plugin(recordings: Recordings, real: Callable[[LLMSettings], Providers]) -> Candidate:
    """A plugin that offers the provider `recorded`."""

    def provider(settings: LLMSettings) -> RecordedModels:
        return RecordedModels(settings, recordings, lambda: real(settings))

    def maf_llm_providers() -> list[LLMProviderSpec]:
        return [LLMProviderSpec(name=PROVIDER, factory=provider, summary=f"Answers from {recordings.path.name}")]

    module = ModuleType("maf_recorded_llm")
    module.maf_llm_providers = hookimpl(maf_llm_providers)  # type: ignore[attr-defined]
    return Candidate(PROVIDER, "maf", "", module=module)


def _key(model: str, asked: Mapping[str, Any]) -> str:
    said = json.dumps([model, asked], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _last_words(asked: Mapping[str, Any]) -> str:
    said = str(asked["messages"][-1]["parts"][-1].get("content", ""))
    return said if len(said) <= _WORDS else f"{said[:_WORDS]}…"
