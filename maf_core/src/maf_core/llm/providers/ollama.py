"""Ollama: a daemon of one's own, or its cloud.

A daemon at http://localhost:11434 by default; its models run there, except those whose name ends in `-cloud` or
`:cloud`. With OLLAMA_API_KEY and no address, the cloud at https://ollama.com, whose models have no such ending.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maf_core.errors import LLMError
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.providers.fetching import FetchError, fetch
from maf_core.llm.providers.needs import llm_packages

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

_LOCAL = "http://localhost:11434"
_CLOUD = "https://ollama.com"
_PORT = 11434
_EVERYWHERE = (None, "0.0.0.0", "::")  # noqa: S104
# The client library wants one even where nobody asks for it.
_NO_KEY = "no-key"


def ollama_address(environment: Mapping[str, str]) -> str | None:
    """Where OLLAMA_BASE_URL or OLLAMA_HOST say that Ollama is; None when they say nothing.

    OLLAMA_HOST may be a host, host:port, :port or an address. It is what the daemon listens on, so "every interface"
    is this machine.
    """
    given = (environment.get("OLLAMA_BASE_URL") or environment.get("OLLAMA_HOST") or "").strip()
    if not given:
        return None
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        port = parts.port
    except ValueError as error:
        raise LLMError("OLLAMA_HOST is no address; write it as host:port or http://host:port.") from error
    if port is None and "://" not in given:
        port = _PORT
    host = "localhost" if parts.hostname in _EVERYWHERE else parts.hostname
    shown = f"[{host}]" if host and ":" in host else host
    return _root(f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path}")


def _root(address: str) -> str:
    """Both dialects start here: without the /v1 or /api of one of them."""
    return address.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")


class OllamaModels(LLMProvider):
    """Models of an Ollama daemon, or of Ollama's cloud."""

    name = "ollama"
    _opened: Provider[Any] | None = None

    @property
    def address(self) -> str:
        """Where it answers, without a path."""
        if self.own.base_url:
            return _root(self.own.base_url)
        return ollama_address(os.environ) or (_CLOUD if self._key else _LOCAL)

    @property
    def ready(self) -> bool:
        """Unless only other providers are set up: then nobody expects a daemon here."""
        named = self.name in self.settings.providers or ollama_address(os.environ) or os.environ.get("OLLAMA_API_KEY")
        return bool(named or not self.settings.providers)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key of the settings and the environment's."""
        return (*super().secrets, *filter(None, [os.environ.get("OLLAMA_API_KEY")]))

    @property
    def _key(self) -> str | None:
        """The environment's key is for the environment's address or the cloud, not for any address in a file."""
        if self.own.api_key:
            return self.own.api_key.get_secret_value()
        meant = self.own.base_url is None or _is_cloud(self.own.base_url)
        return os.environ.get("OLLAMA_API_KEY") if meant else None

    def model(self, name: str) -> Model:
        """The model, over the OpenAI dialect at /v1, with what that dialect does not do there switched off."""
        with llm_packages():
            from pydantic_ai.models.ollama import OllamaModel
            from pydantic_ai.profiles.openai import OpenAIModelProfile
            from pydantic_ai.settings import ModelSettings
        # Ollama reads max_tokens and not max_completion_tokens. A profile switches the library's own detection of the
        # cloud off, which misses names in :cloud anyway, so it says here who enforces schemas.
        profile = OpenAIModelProfile(
            openai_chat_supports_max_completion_tokens=False,
            supports_json_schema_output=self.enforces_schemas(name),
        )
        # Every call is reserved before it is made, so the client must not repeat one on its own.
        return OllamaModel(name, provider=self._provider(), profile=profile, settings=ModelSettings(max_retries=0))

    def enforces_schemas(self, name: str) -> bool:
        """A daemon does, with a grammar, for models of its own; the cloud does not, and gpt-oss speaks in channels."""
        if self.own.enforces_schemas is not None:
            return self.own.enforces_schemas
        remote = _is_cloud(self.address) or name.endswith(("-cloud", ":cloud"))
        return not remote and not name.startswith("gpt-oss")

    async def catalogue(self) -> list[ModelInfo]:
        """What `/api/tags` lists."""
        headers = {"authorization": f"Bearer {self._key}"} if self._key else None
        try:
            data = await fetch(f"{self.address}/api/tags", headers=headers)
        except FetchError as error:
            fix = "" if error.status else f" Start it with `ollama serve`, or set llm.providers.{self.name}.base_url."
            raise LLMError(f"{error}{fix}") from error
        rows = data.get("models")
        if not isinstance(rows, list):
            raise LLMError(f"What answers at {self.address} is no Ollama; set llm.providers.{self.name}.base_url.")
        return [self._info(row) for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.client.close()
            self._opened = None

    def _provider(self) -> Provider[Any]:
        from pydantic_ai.providers.ollama import OllamaProvider

        if self._opened is None:
            self._opened = OllamaProvider(base_url=f"{self.address}/v1", api_key=self._key or _NO_KEY)
        return self._opened

    def _info(self, row: Mapping[str, Any]) -> ModelInfo:
        details = row.get("details")
        length = details.get("context_length") if isinstance(details, dict) else None
        capable = row.get("capabilities")
        return ModelInfo(
            self.name,
            row["name"],
            length if isinstance(length, int) else None,
            tuple(map(str, capable)) if isinstance(capable, list) else (),
        )


def _is_cloud(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host == "ollama.com" or host.endswith(".ollama.com")
