"""Which arenas there are: those of plugins, and the user's own."""

from __future__ import annotations

from pathlib import Path

import structlog

from maf_core.arenas.config import ArenaConfig
from maf_core.checking import load_checked
from maf_core.errors import ConfigError, MAFError
from maf_core.plugins import PluginManager
from maf_core.records import ArenaSpec

log = structlog.get_logger(__name__)


def load_arenas(plugins: PluginManager, config_dir: Path | None = None) -> dict[str, ArenaConfig]:
    """All arenas by name: those of plugins, and the user's own from `arenas/*.yaml`, which win.

    Raises `ConfigError` for an arena of the user's that does not validate or names an agent or source nobody offers;
    one of a plugin's is left out, with a warning.
    """
    own = _own(plugins, config_dir / "arenas") if config_dir else {}
    shipped = [_shipped(plugins, spec) for spec in plugins.records("maf_arenas", ArenaSpec).values()]
    found = {arena.name: arena for arena in shipped if arena is not None}
    return dict(sorted({**found, **own}.items()))


def _own(plugins: PluginManager, folder: Path) -> dict[str, ArenaConfig]:
    """The user's arenas; the same name in two files is a mistake. All mistakes of all files are told at once."""
    found: dict[str, ArenaConfig] = {}
    mistakes = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            arena = load_checked(plugins, path)
        except ConfigError as error:
            mistakes.append(str(error))
            continue
        if arena.name in found:
            mistakes.append(f"{path}: another file in {folder} has an arena {arena.name!r} too; rename one.")
        found[arena.name] = arena
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return found


def _shipped(plugins: PluginManager, spec: ArenaSpec) -> ArenaConfig | None:
    """A plugin's arena, or None with a warning: the user may well have chosen not to install what it needs."""
    try:
        return load_checked(plugins, spec.load()())
    except MAFError as error:
        log.warning("arena_not_used", arena=spec.name, reason=str(error))
        return None
