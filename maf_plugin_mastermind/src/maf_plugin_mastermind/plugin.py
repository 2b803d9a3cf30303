"""What this plugin offers: the memory backend `bm25`."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import MemoryBackendSpec, hookimpl


@hookimpl
def maf_memory_backends() -> Iterator[MemoryBackendSpec]:
    """Memories on Redis, found by their words."""
    yield MemoryBackendSpec(
        name="bm25",
        factory="maf_plugin_mastermind.memory:Bm25Memory",
        summary="decisions on Redis, found by the words they share",
    )
