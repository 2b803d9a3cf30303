"""The providers of one application, by name, each made when it is first asked for."""

from __future__ import annotations

import difflib

import structlog

from maf_core.errors import MAFError, UnknownNameError
from maf_core.llm.base import LLMProvider
from maf_core.plugins import PluginManager
from maf_core.records import LLMProviderSpec
from maf_core.settings import LLMSettings, ProviderSettings

log = structlog.get_logger(__name__)

_HOOK = "maf_llm_providers"


def split_model(model: str) -> tuple[str, str]:
    """The provider and the name of "provider:name"; the name may have colons of its own."""
    provider, _, name = model.partition(":")
    return provider, name


class Providers:
    """Every provider that the settings, the core and plugins name, and those that pydantic-ai knows."""

    def __init__(self, settings: LLMSettings, plugins: PluginManager) -> None:
        self._settings = settings
        self._specs = plugins.records(_HOOK, LLMProviderSpec)
        self._made: dict[str, LLMProvider] = {}
        self._broken: set[str] = set()

    @property
    def names(self) -> list[str]:
        """The providers of the settings in their order, then the others."""
        return list(dict.fromkeys([*self._settings.providers, *self._specs]))

    def get(self, name: str) -> LLMProvider:
        """The provider of this name.

        Raises `UnknownNameError` with the nearest name, and `LLMError` when a package is missing.
        """
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def has(self, name: str) -> bool:
        """Whether there is a provider of this name; raises `LLMError` when a package is missing."""
        try:
            self.get(name)
        except UnknownNameError:
            return False
        return True

    @property
    def ready(self) -> list[LLMProvider]:
        """Those that are set up: a model named without a provider is looked for in these, in this order."""
        return [provider for name in self.names if (provider := self._working(name)) and provider.ready]

    async def aclose(self) -> None:
        """Close all connections."""
        for provider in self._made.values():
            await provider.aclose()

    def _working(self, name: str) -> LLMProvider | None:
        """The provider, or None with a warning: one that cannot be made must not keep the others from being asked."""
        try:
            return self.get(name)
        except MAFError as error:
            if name not in self._broken:
                log.warning("llm_provider_not_used", provider=name, reason=str(error))
            self._broken.add(name)
            return None

    def _make(self, name: str) -> LLMProvider:
        kind = self._settings.providers.get(name, ProviderSettings()).kind or name
        spec = self._specs.get(kind)
        if spec is not None:
            factory = spec.load()
            made: LLMProvider = factory(self._settings) if kind == name else factory(self._settings, name)
            return made
        from maf_core.llm.providers.known import KnownModels, is_known

        if is_known(kind):
            return KnownModels(self._settings, name)
        near = difflib.get_close_matches(kind, self.names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(
            f"There is no provider {kind!r}.{hint} Known: {', '.join(self.names)}, and those of pydantic-ai, "
            f"such as anthropic or google. Models are named provider:name."
        )
