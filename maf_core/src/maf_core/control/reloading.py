"""Take a changed configuration up while running: all of it or nothing, in every service process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from redis.exceptions import RedisError

from maf_core.arena_files import load_arenas
from maf_core.arenas.config import ArenaConfig
from maf_core.config_folder import Stamp, stamp_of
from maf_core.errors import ConfigError
from maf_core.plane.refusals import Refusal, note
from maf_core.settings import load_settings
from maf_core.streams.names import CONTROL_OUT, beside

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

# Goes up with every call to reload. Whoever was away when one was made sees it when he is back.
REVISION = beside(CONTROL_OUT, "revision")
_LOOK_SECONDS = 0.5

T = TypeVar("T")
Arenas = dict[str, ArenaConfig]


@dataclass(frozen=True, slots=True)
class Changes:
    """The arenas that a new configuration brings, drops and defines anew."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Reloader:
    """Reads the configuration of this process again."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._folder = context.config

    async def reload(self) -> Changes:
        """Take the files up as they are now; without a folder there is nothing to take up.

        Runs go on with the arena they began with. Raises `ConfigError` with every mistake of all files; nothing has
        changed then.
        """
        async with self._folder.turn:
            return await self._reload()

    async def everywhere(self) -> None:
        """Have all service processes reload, after this one."""
        self._folder.revision = int(await self._context.redis.incr(REVISION))

    async def catch_up(self) -> None:
        """Reload when another process has called for it; raises as `reload` does.

        When it returns, this process has followed all calls that were made before.
        """
        async with self._folder.turn:
            revision = int(await self._context.redis.get(REVISION) or 0)
            if revision > self._folder.revision:
                self._folder.revision = revision
                await self._reload()

    async def _reload(self) -> Changes:
        if self._folder.path is None:
            return Changes()
        stamp = self._folder.stamp = await asyncio.to_thread(stamp_of, self._folder.path)
        try:
            arenas, changed_settings = await asyncio.to_thread(self._read)
        except ConfigError as error:
            await self._refused(stamp, str(error))
            raise
        self._folder.fault = ""
        self._tell_restart(changed_settings)
        return self._take_up(arenas)

    def _read(self) -> tuple[Arenas, list[str]]:
        """Everything, so that all mistakes are told at once."""
        path, plugins = self._folder.path, self._context.plugins
        mistakes: list[str] = []
        settings = _read_or(mistakes, lambda: load_settings(path))
        arenas = _read_or(mistakes, lambda: load_arenas(plugins, path))
        if settings is None or arenas is None:
            raise ConfigError("\n".join(mistakes))
        return arenas, _differing(self._context.settings.written, settings.written)

    def _take_up(self, arenas: Arenas) -> Changes:
        known = self._context.arenas
        changes = _changes(known, arenas)
        if changes:
            known.clear()
            known.update(arenas)
            self._folder.changed.set()
            log.info("arenas_taken_up", added=changes.added, removed=changes.removed, changed=changes.changed)
        return changes

    def _tell_restart(self, changed: list[str]) -> None:
        if changed and changed != self._folder.needs_restart:
            log.warning("settings_need_restart", settings=changed, fix="They are used from the next start on")
        self._folder.needs_restart = changed

    async def _refused(self, stamp: Stamp, reason: str) -> None:
        if reason != self._folder.fault:
            log.error("config_not_taken_up", reason=reason, now="the configuration before it stays in use")
        self._folder.fault = reason
        key = sha256(f"{self._folder.path}{stamp}{reason}".encode()).hexdigest()
        with suppress(RedisError):
            await note(self._context.redis, key, Refusal(reason, source=str(self._folder.path or "")))


class ConfigWatch:
    """Reloads when another process calls for it, and when the files have changed, unless `watch_config` is off."""

    def __init__(self, context: AppContext) -> None:
        self._folder = context.config
        self._reloader = Reloader(context)
        self._by_file = context.settings.control.watch_config
        self._seen = self._folder.stamp

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._reloader.catch_up()
                await self._look()
            except (RedisError, OSError, ConfigError):  # who is away follows when he is back; mistakes are told by then
                pass
            except Exception:  # an arena may be made by a plugin's code
                log.exception("config_not_taken_up", now="the configuration before it stays in use")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        """Reload once the files have come to rest: a file may be read while it is being written."""
        if not self._by_file:
            return
        before, self._seen = self._seen, await asyncio.to_thread(stamp_of, self._folder.path)
        if self._folder.stamp != self._seen == before:
            await self._reloader.reload()


def _read_or(mistakes: list[str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        mistakes.append(str(error))
        return None


def _changes(before: Arenas, after: Arenas) -> Changes:
    both = sorted(before.keys() & after.keys())
    changed = [name for name in both if before[name].model_dump() != after[name].model_dump()]
    return Changes(sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys()), changed)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
