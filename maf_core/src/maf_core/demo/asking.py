"""Let a language model have the last word in the demo: the same arenas, with a model for those who decide."""

from __future__ import annotations

from pathlib import Path

import yaml

from maf_core.app import load_arenas
from maf_core.errors import UnknownNameError, UsageError
from maf_core.llm.base import LLMProvider
from maf_core.plugins import PluginManager
from maf_core.settings import LLMSettings

LOCAL = "local:gemma3-270m"
# Who decides from what others say. Specialists read much data; a small model on a processor is at that for minutes.
_DECIDE = ("synthesis", "judge")
_AGENT_SECONDS = 120
_OUTPUT_TOKENS = 200


def model_of(word: str, plugins: PluginManager) -> str:
    """The model that `--llm` means: "local", or "provider:name".

    Raises `UsageError` when it is no model, and `LLMError`, with what to install, when it cannot be asked here.
    """
    from maf_core.llm.providers import Providers, split_model

    model = LOCAL if word == "local" else word
    provider, name = split_model(model)
    if not name:
        raise UsageError(f"--llm takes local, or provider:name such as ollama:qwen3:8b; {word!r} is neither.")
    try:
        offered: LLMProvider = Providers(LLMSettings(), plugins).get(provider)
    except UnknownNameError as error:
        raise UsageError(str(error)) from error
    offered.model(name)  # says what is missing; nothing is started by it
    return model


def write_config(model: str, plugins: PluginManager, folder: Path) -> Path:
    """A config folder with the arenas that plugins ship, in which those who decide ask this model."""
    (folder / "arenas").mkdir(parents=True, exist_ok=True)
    for name, arena in load_arenas(plugins).items():
        content = arena.model_dump(mode="json", exclude_unset=True)
        for phase in content["phases"]:
            for agent in [*phase["agents"], *filter(None, [phase.get("judge")])]:
                agent |= {"model": model} if agent["role"] in _DECIDE else {}
        content["limits"] = {**content.get("limits", {}), "agent_timeout_s": _AGENT_SECONDS}
        (folder / "arenas" / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    (folder / "maf.yaml").write_text(yaml.safe_dump({"llm": {"max_output_tokens": _OUTPUT_TOKENS}}), encoding="utf-8")
    return folder
