"""Whatever speaks as OpenAI does: OpenAI itself, and llama.cpp, vLLM, LM Studio, OpenRouter and others.

    llm:
      providers:
        lab: {kind: openai, base_url: "http://lab:8000/v1"}

Then `model: lab:NAME`. Without an address it is OpenAI itself, with the key of OPENAI_API_KEY.
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

_OPENAI = "https://api.openai.com/v1"
_NO_KEY = "no-key"
_PER_MILLION = 1_000_000


class OpenAIModels(LLMProvider):
    """Models behind `/v1/chat/completions`."""

    name = "openai"
    _opened: Provider[Any] | None = None

    @property
    def address(self) -> str:
        """Where it answers, with the /v1 that most servers have."""
        given = self.own.base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI
        return given.rstrip("/") if urlsplit(given).path.strip("/") else f"{given.rstrip('/')}/v1"

    @property
    def ready(self) -> bool:
        """With an address or a key; else nobody has asked for it."""
        return bool(self.own.base_url or self._key)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key of the settings and the environment's."""
        return (*super().secrets, *filter(None, [os.environ.get("OPENAI_API_KEY")]))

    @property
    def _key(self) -> str | None:
        """The environment's key belongs to the environment's address: no other address gets to see it."""
        if self.own.api_key:
            return self.own.api_key.get_secret_value()
        return None if self.own.base_url else os.environ.get("OPENAI_API_KEY")

    @property
    def _is_openai(self) -> bool:
        host = urlsplit(self.address).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    def enforces_schemas(self, name: str) -> bool:
        """OpenAI does; of others it is not known, so the settings have to say so."""
        return self._is_openai if self.own.enforces_schemas is None else self.own.enforces_schemas

    def model(self, name: str) -> Model:
        """The model. Only OpenAI itself reads `max_completion_tokens` and strict tool definitions for sure."""
        with llm_packages():
            from pydantic_ai.models.openai import OpenAIChatModel
            from pydantic_ai.profiles.openai import OpenAIModelProfile
            from pydantic_ai.settings import ModelSettings
        profile = OpenAIModelProfile(supports_json_schema_output=self.enforces_schemas(name))
        if not self._is_openai:
            profile["openai_chat_supports_max_completion_tokens"] = False
            profile["openai_supports_strict_tool_definition"] = False
        # Every call is reserved before it is made, so the client must not repeat one on its own.
        return OpenAIChatModel(name, provider=self._provider(), profile=profile, settings=ModelSettings(max_retries=0))

    async def catalogue(self) -> list[ModelInfo]:
        """What `/v1/models` lists."""
        headers = {"authorization": f"Bearer {self._key}"} if self._key else None
        try:
            data = await fetch(f"{self.address}/models", headers=headers)
        except FetchError as error:
            raise LLMError(f"{error} See llm.providers.{self.name}: is the address right, and the api_key?") from error
        rows = data.get("data")
        if not isinstance(rows, list):
            raise LLMError(f"What answers at {self.address} lists no models; set llm.providers.{self.name}.base_url.")
        return [self._info(row) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.client.close()
            self._opened = None

    def _provider(self) -> Provider[Any]:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> Provider[Any]:
        from pydantic_ai.providers.openai import OpenAIProvider
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        if not self._is_openai:
            return OpenAICompatibleProvider(self.name, base_url=self.address, api_key=self._key or _NO_KEY)
        if not self._key:
            raise LLMError(f"OpenAI wants a key: set OPENAI_API_KEY, or llm.providers.{self.name}.api_key.")
        return OpenAIProvider(base_url=self.address, api_key=self._key)

    def _info(self, row: Mapping[str, Any]) -> ModelInfo:
        length = row.get("context_length") or row.get("max_model_len")  # OpenRouter's word, and vLLM's
        prices = row.get("pricing")
        prices = prices if isinstance(prices, dict) else {}
        return ModelInfo(
            self.name,
            row["id"],
            length if isinstance(length, int) else None,
            usd_in=_usd(prices.get("prompt")),
            usd_out=_usd(prices.get("completion")),
        )


def _usd(per_token: Any) -> float | None:
    """USD per million tokens, from USD per token as text; OpenRouter says "-1" when the price varies."""
    try:
        price = float(per_token)
    except (TypeError, ValueError):
        return None
    return price * _PER_MILLION if 0 <= price < 1 else None
