"""Whether the model that is configured can be asked, without asking it anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maf_core.errors import LLMError
from maf_core.llm.catalogue import Catalogue
from maf_core.llm.picker import RULES, ModelPicker
from maf_core.llm.providers import Providers

if TYPE_CHECKING:
    from maf_core.plugins import PluginManager
    from maf_core.settings import LLMSettings

FIX = "Say `maf llm check` for the whole story, or set llm.model in maf.yaml."


@dataclass(frozen=True, slots=True)
class Health:
    """`ok`: the model can be asked, or none is configured. `detail` says which, or why not."""

    ok: bool
    detail: str


async def look(settings: LLMSettings, plugins: PluginManager, data_dir: Path | None = None) -> Health:
    """Look the configured model up at its provider; `UnknownNameError` for a provider or profile nobody knows."""
    if settings.model == RULES:
        return Health(True, "rules: no model is asked")
    providers = Providers(settings, plugins)
    try:
        choice = (await ModelPicker(providers, settings, data_dir=data_dir).candidates(settings.model))[0]
        provider = providers.get(choice.provider)
        provider.model(choice.name)
        listing = await Catalogue().of(provider)
    except LLMError as error:
        return Health(False, f"{settings.model}: {error}")
    finally:
        await providers.aclose()
    if not provider.lists_all:
        return Health(True, f"{choice} ({choice.reason})")
    if listing.problem:
        return Health(False, f"{choice}: {listing.problem}")
    if listing.find(choice.name) is None:
        return Health(False, f"{choice} is not offered by {choice.provider}; see maf llm models")
    return Health(True, f"{choice} is offered ({choice.reason})")
