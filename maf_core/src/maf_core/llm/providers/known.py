"""Every other provider that pydantic-ai knows: `model: "anthropic:claude-…"` goes straight to it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maf_core.errors import LLMError
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.providers.needs import llm_packages

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

_EXTRA = re.compile(r"pydantic-ai-slim\[[\w,-]+\]")


def is_known(kind: str) -> bool:
    """Whether pydantic-ai has a provider of this name; `LLMError` without pydantic-ai."""
    with llm_packages():
        from pydantic_ai.providers import infer_provider_class
    try:
        infer_provider_class(kind)
    except ValueError:
        return False
    except ImportError:
        return True  # known, but its package is missing: `model` says which
    return True


class KnownModels(LLMProvider):
    """Models of a provider that pydantic-ai knows; key and address from the settings, else from its own variables."""

    name = ""
    lists_all = False

    def __init__(self, settings: Any, name: str | None = None) -> None:
        super().__init__(settings, name)
        self._opened: Provider[Any] | None = None

    @property
    def kind(self) -> str:
        """Its name in pydantic-ai."""
        return self.own.kind or self.name

    @property
    def ready(self) -> bool:
        """It cannot say what it offers, so nothing is looked for here."""
        return False

    def model(self, name: str) -> Model:
        """The model as pydantic-ai makes it."""
        with llm_packages():
            from pydantic_ai.models import infer_model
        with self._explained():
            return infer_model(f"{self.kind}:{name}", provider_factory=lambda _: self._provider())

    async def catalogue(self) -> list[ModelInfo]:
        """Always raises `LLMError`: there is no common way to ask."""
        raise LLMError(f"{self.name} does not say here which models it offers; name one as {self.name}:NAME.")

    async def aclose(self) -> None:
        """Close the connections that were opened here."""
        if self._opened is not None:
            async with self._opened:
                pass  # leaving it is what closes the client it made
            self._opened = None

    def _provider(self) -> Provider[Any]:
        from pydantic_ai.providers import infer_provider_class

        if self._opened is None:
            make = infer_provider_class(self.kind)
            self._opened = make(**self._given(make))
        return self._opened

    def _given(self, make: type[Provider[Any]]) -> dict[str, Any]:
        key = self.own.api_key
        given = {"api_key": key.get_secret_value() if key else None, "base_url": self.own.base_url}
        given = {name: value for name, value in given.items() if value is not None}
        unknown = [name for name in given if name not in inspect.signature(make).parameters]
        if unknown:
            raise LLMError(
                f"{self.kind} takes no {' and no '.join(unknown)}; leave it out of llm.providers.{self.name}."
            )
        return given

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from pydantic_ai.exceptions import UserError

        try:
            yield
        except ImportError as error:
            found = _EXTRA.search(str(error))
            package = found[0] if found else f"pydantic-ai-slim[{self.kind}]"
            raise LLMError(f"Models of {self.kind} need a package. Run: pip install '{package}'") from error
        except UserError as error:
            raise LLMError(f"{self.name} is not set up: {error} Or set llm.providers.{self.name}.") from error
