"""Look at everything a MAF process needs, and say how to mend what is wrong. Works whatever is broken."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement

from maf_core.errors import MAFError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `fix` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What to look at, as the command line named it."""

    redis_url: str | None = None
    data_dir: Path | None = None
    config_dir: Path | None = None


Check = Callable[[Patient], Awaitable[list[Finding]]]


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Run all checks, each on its own: one that breaks is itself a finding."""
    for name, check in CHECKS.items():
        try:
            findings = await check(patient)
        except MAFError as error:
            findings = [Finding(name, False, str(error), "See the sentence above.")]
        except Exception as error:  # noqa: BLE001 - whatever is broken, the other checks go on
            findings = [
                Finding(name, False, f"{type(error).__name__}: {error}", f"Reinstall maf, then look at {name}.")
            ]
        for finding in findings:
            yield finding


async def _python(_: Patient) -> list[Finding]:
    found = platform.python_version()
    return [Finding("python", sys.version_info >= (3, 11), f"{found} at {sys.executable}", "Use Python 3.11 or newer.")]


async def _packages(_: Patient) -> list[Finding]:
    wrong = []
    for text in distribution("maf").requires or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = "none"
        if installed == "none" or not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name}{requirement.specifier} (installed: {installed})")
    detail = f"maf {version('maf')}" + (f" needs {', '.join(wrong)}" if wrong else " has all it needs")
    return [Finding("packages", not wrong, detail, "Run: pip install --upgrade maf")]


async def _config(patient: Patient) -> list[Finding]:
    from maf_core.app import load_arenas
    from maf_core.plugins import PluginManager
    from maf_core.settings import load_settings

    load_settings(patient.config_dir)
    arenas = load_arenas(PluginManager.load(), patient.config_dir)
    return [Finding("config", True, f"settings are valid; arenas: {', '.join(arenas) or 'none'}")]


async def _plugins(_: Patient) -> list[Finding]:
    from maf_core.plugins import PluginManager

    return [
        Finding(
            f"plugin {row.name}",
            row.fine,
            f"{row.distribution} {row.version}: {row.reason or row.status.value}",
            f"Mend it as the reason says, or go on without: MAF_DISABLE_PLUGINS={row.name}",
        )
        for row in PluginManager.load().rows
    ]


async def _llm(patient: Patient) -> list[Finding]:
    from maf_core.llm.health import FIX, look
    from maf_core.plugins import PluginManager
    from maf_core.settings import load_settings

    settings = load_settings(patient.config_dir, data_dir=patient.data_dir)
    health = await look(settings.llm, PluginManager.load(), settings.data_dir)
    return [Finding("llm", health.ok, health.detail, FIX)]


async def _data_folder(patient: Patient) -> list[Finding]:
    from maf_core.settings import load_settings

    folder = (patient.data_dir or load_settings(patient.config_dir).data_dir).expanduser().resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    return [Finding("data folder", writable, str(folder), "Choose another with --data DIR or MAF_DATA_DIR.")]


async def _redis(patient: Patient) -> list[Finding]:
    from maf_core.clock import ServiceClock
    from maf_core.settings import load_settings
    from maf_core.streams.connect import EMBEDDED, connect, masked

    url = patient.redis_url or load_settings(patient.config_dir).redis_url
    if url == EMBEDDED:
        return [Finding("redis", True, "embedded: started when it is needed")]
    async with connect(url) as redis:
        info = await redis.info("server")
        name = "valkey" if "valkey_version" in info else "redis"
        found = Finding("redis", True, f"{name} {info.get('valkey_version', info['redis_version'])} at {masked(url)}")
        services = sorted([key.decode() async for key in redis.scan_iter(match="maf:service:*")])
        running = ", ".join(key.removeprefix("maf:service:") for key in services)
        drift = abs((datetime.now(UTC) - _server_time(await redis.time())).total_seconds())
        now = await ServiceClock(redis).now()
    return [
        found,
        Finding("services", bool(services), running or "none is running", "Run: maf service run"),
        Finding(
            "clock",
            drift < 5,
            f"{now:%Y-%m-%d %H:%M} UTC; the server's clock is {drift:.1f} s off",
            "Synchronise the clocks (NTP).",
        ),
    ]


def _server_time(answer: tuple[int, int]) -> datetime:
    return datetime.fromtimestamp(answer[0] + answer[1] / 1e6, UTC)


CHECKS: dict[str, Check] = {
    "python": _python,
    "packages": _packages,
    "plugins": _plugins,
    "config": _config,
    "llm": _llm,
    "data folder": _data_folder,
    "redis": _redis,
}


def run(patient: Patient) -> list[Finding]:
    """All findings, in order."""

    async def work() -> list[Finding]:
        return [finding async for finding in examine(patient)]

    return asyncio.run(work())
