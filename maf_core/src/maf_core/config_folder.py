"""The config folder as a running process knows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class ConfigFolder:
    """Where the arenas were read from, and what has been taken up since.

    `path`: None without a folder. `stamp`: the files as they were when last read. `revision`: the last call to reload
    that was followed. `fault`: what is wrong with the files as they are; the configuration before them is in use.
    `needs_restart`: the settings that have changed since the start. `changed` is set whenever arenas have.
    """

    path: Path | None = None
    stamp: Stamp = ()
    revision: int = 0
    fault: str = ""
    needs_restart: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def at(cls, path: Path | None) -> ConfigFolder:
        """The folder as it is now; to be asked before its files are read, so that no later change is missed."""
        return cls(path, stamp_of(path))


def stamp_of(path: Path | None) -> Stamp:
    """What changes whenever `maf.yaml` or a file of `arenas/` does, comes or goes."""
    if path is None:
        return ()
    files = [path / "maf.yaml", *sorted((path / "arenas").glob("*.yaml"))]
    return tuple(stamp for stamp in map(_stamp, files) if stamp)


def _stamp(file: Path) -> tuple[str, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:  # it is not there, or went just now
        return None
    return file.name, found.st_ino, found.st_mtime_ns, found.st_size
