"""A model of pydantic-ai that answers from a file of recordings. Imported when one is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic_ai.models import Model
from pydantic_ai.usage import RequestUsage

from maf_core.llm.requests import as_json, response_as_json, response_of

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from maf_core.testing.recorded import Recordings

# The rest is when, where and at which address it was asked: nothing that a test should rest on.
_KEPT = ("kind", "parts", "model_name", "finish_reason")


class RecordedModel(Model):
    """Gives the recorded response, with the usage that was reported then; or has `real` asked, and records that."""

    def __init__(self, name: str, recordings: Recordings, real: Callable[[], Model]) -> None:
        super().__init__()
        self._name = name
        self._recordings = recordings
        self._real = real

    @property
    def model_name(self) -> str:
        """The name of the model whose answers these are."""
        return self._name

    @property
    def system(self) -> str:
        """The provider's name."""
        return "recorded"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The recorded response; raises `LLMError` with the command that records it when there is none."""
        asked = as_json(messages, model_request_parameters, None)
        found = self._recordings.find(self._name, asked)
        if found is None and not self._recordings.recording:
            raise self._recordings.not_there(self._name, asked)
        if found is None:
            response = await self._real().request(messages, model_settings, model_request_parameters)
            found = _kept(response)
            self._recordings.keep(self._name, asked, found)
        return _response(found)


def _kept(response: ModelResponse) -> dict[str, Any]:
    dumped = response_as_json(response)
    parts = [{key: value for key, value in part.items() if value is not None} for part in dumped["parts"]]
    usage = {"input_tokens": response.usage.input_tokens, "output_tokens": response.usage.output_tokens}
    return {**{key: dumped[key] for key in _KEPT}, "parts": parts, "usage": usage}


def _response(kept: dict[str, Any]) -> ModelResponse:
    response = response_of(kept)
    response.usage = RequestUsage(**kept["usage"])
    return response
