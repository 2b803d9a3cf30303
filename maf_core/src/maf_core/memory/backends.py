"""Makes memory backends by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.memory.base import MemoryBackend
from maf_core.records import MemoryBackendSpec

if TYPE_CHECKING:
    from maf_core.context import AppContext


def backend_of(context: AppContext, name: str) -> MemoryBackend:
    """The backend of this name, made now; `UnknownNameError` for one that nobody offers."""
    made: MemoryBackend = context.plugins.get("maf_memory_backends", MemoryBackendSpec, name).load()(context)
    return made
