"""What the rest of MAF knows of language models: a question, its answer, a provider. Imports nothing heavy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_ai.models import Model

    from maf_core.settings import LLMSettings, ProviderSettings

OutputT = TypeVar("OutputT", bound="BaseModel")


class Recorder(Protocol):
    """Keeps the answers of a run, so that a run that is taken up again asks nobody twice."""

    async def answered(self, kind: str, request: Any, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The recorded answer to this request, else what `ask` gives, saved before it is returned.

        `request` and the answer are JSON data. `kind`: "llm" or "source".
        """


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may call while it thinks. Only things that read: a model's words never have an effect.

    `parameters`: the JSON schema of the arguments. `call` gets them and returns JSON data or text.
    """

    name: str
    description: str
    call: Callable[[Mapping[str, Any]], Awaitable[Any]]
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class Question(Generic[OutputT]):
    """What an agent asks. `model` as in an arena's YAML; None for the arena's. `max_steps`: most calls of the model."""

    agent: str
    instructions: str
    prompt: str
    output: type[OutputT]
    model: str | None = None
    tools: Sequence[Tool] = ()
    max_steps: int = 6


@dataclass(frozen=True, slots=True)
class Answer(Generic[OutputT]):
    """What a model answered: `value`, validated, and the model that gave it, as "provider:name"."""

    value: OutputT
    model: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a provider offers now. `usd_in`, `usd_out`: per million tokens, None when unknown."""

    provider: str
    name: str
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    usd_in: float | None = None
    usd_out: float | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to ask, and why it was chosen."""

    provider: str
    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


class LLMProvider(ABC):
    """A place where models answer. One instance serves a whole service.

    `name`: what stands before the colon of a model string. Settings may give one kind several names, each with an
    address of its own; then the second argument says which one this is.
    """

    name: str
    lists_all = True  # whether a model that the catalogue does not show is not there

    def __init__(self, settings: LLMSettings, name: str | None = None) -> None:
        self.settings = settings
        self.name = name or type(self).name

    @property
    def own(self) -> ProviderSettings:
        """What the settings say under this provider's name."""
        from maf_core.settings import ProviderSettings

        return self.settings.providers.get(self.name) or ProviderSettings()

    @property
    def ready(self) -> bool:
        """Whether it is set up, so that a model named without a provider is looked for here too."""
        return True

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, for whoever passes on what the server said."""
        key = self.own.api_key
        return (key.get_secret_value(),) if key else ()

    @abstractmethod
    def model(self, name: str) -> Model:
        """The model of this name, to be asked. Imports what it needs now; raises `LLMError` when that is missing."""

    @abstractmethod
    async def catalogue(self) -> list[ModelInfo]:
        """What can be asked now. Raises `LLMError` when the provider cannot say."""

    def enforces_schemas(self, name: str) -> bool:
        """Whether the server makes this model's answers fit a JSON schema; else a tool call carries the answer.

        A grammar that enforces a schema leaves no room for tool calls: do not combine it with tools.
        """
        return bool(self.own.enforces_schemas)

    async def aclose(self) -> None:  # noqa: B027 - a provider without connections has none to close
        """Close what `model` has opened."""
