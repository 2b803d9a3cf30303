"""A stand-in for Ollama, on a real port: both its dialects, its faults, and answers that a test writes.

Run it in a test with `OllamaServer` or the fixture `ollama`, or on its own:

    python -m maf_core.testing.ollama --port 11434
"""

from __future__ import annotations

from maf_core.testing.ollama.calls import Call
from maf_core.testing.ollama.chat import Chat
from maf_core.testing.ollama.models import StandInModel
from maf_core.testing.ollama.script import Fault, Reply, Rule, Script, ToolCall, tools_first
from maf_core.testing.ollama.server import CLOUD_MODELS, LOCAL_MODELS, OllamaServer

__all__ = [
    "CLOUD_MODELS",
    "LOCAL_MODELS",
    "Call",
    "Chat",
    "Fault",
    "OllamaServer",
    "Reply",
    "Rule",
    "Script",
    "StandInModel",
    "ToolCall",
    "tools_first",
]
