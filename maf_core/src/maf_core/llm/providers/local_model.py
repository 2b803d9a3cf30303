"""A local model, as it is asked. Imported when the first one is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.settings import ModelSettings

if TYPE_CHECKING:
    from pydantic_ai import RunContext
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import ModelRequestParameters, StreamedResponse

    from maf_core.llm.providers.local_server import LocalServer

# Where nobody listens, until the server says where it does; this machine in any case, so the model is known to be free.
_NOT_YET = "http://127.0.0.1:1/v1"
_PROFILE = OpenAIModelProfile(
    supports_json_schema_output=True,
    openai_chat_supports_max_completion_tokens=False,
    openai_supports_strict_tool_definition=False,
)
# A small model says the likeliest thing best, and one call at a time: it would repeat them until nothing is left.
_SETTINGS = ModelSettings(temperature=0.0, parallel_tool_calls=False, max_retries=0)


class LocalModel(OpenAIChatModel):
    """Waits for its server before each question; that takes a moment for the first one only."""

    def __init__(self, name: str, server: LocalServer, provider: str) -> None:
        opened = OpenAICompatibleProvider(provider, base_url=_NOT_YET)
        super().__init__(name, provider=opened, profile=_PROFILE, settings=_SETTINGS)
        self.server = server

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask."""
        await self._wait()
        return await super().request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask, and give the answer as it comes."""
        await self._wait()
        asked = super().request_stream(messages, model_settings, model_request_parameters, run_context)
        async with asked as response:
            yield response

    async def _wait(self) -> None:
        self.client.base_url = f"{await self.server.address()}/v1"

    async def aclose(self) -> None:
        """Close the connections and stop the server."""
        await self.client.close()
        await self.server.aclose()
