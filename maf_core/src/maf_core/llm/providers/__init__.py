"""Where models answer: `Providers` finds them by name; `ollama`, `openai` and those of pydantic-ai come with MAF.

providers = Providers(settings.llm, plugins)
model = providers.get("ollama").model("gpt-oss:120b")
"""

from __future__ import annotations

from maf_core.llm.providers.registry import Providers, split_model

__all__ = ["Providers", "split_model"]
