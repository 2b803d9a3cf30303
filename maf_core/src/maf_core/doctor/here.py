"""What stands on this machine: Python, packages, plugins, configuration, models, the data folder."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement

from maf_core.doctor.findings import Finding, Patient


async def python(_: Patient) -> list[Finding]:
    found = platform.python_version()
    return [Finding("python", sys.version_info >= (3, 11), f"{found} at {sys.executable}", "Use Python 3.11 or newer.")]


async def packages(_: Patient) -> list[Finding]:
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


async def config(patient: Patient) -> list[Finding]:
    from maf_core.app import load_arenas
    from maf_core.plugins import PluginManager
    from maf_core.settings import load_settings

    load_settings(patient.config_dir)
    arenas = load_arenas(PluginManager.load(), patient.config_dir)
    return [Finding("config", True, f"settings are valid; arenas: {', '.join(arenas) or 'none'}")]


async def plugins(_: Patient) -> list[Finding]:
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


async def llm(patient: Patient) -> list[Finding]:
    from maf_core.llm.health import FIX, look
    from maf_core.plugins import PluginManager
    from maf_core.settings import load_settings

    settings = load_settings(patient.config_dir, data_dir=patient.data_dir)
    health = await look(settings.llm, PluginManager.load(), settings.data_dir)
    return [Finding("llm", health.ok, health.detail, FIX)]


async def data_folder(patient: Patient) -> list[Finding]:
    from maf_core.settings import load_settings

    folder = (patient.data_dir or load_settings(patient.config_dir).data_dir).expanduser().resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    return [Finding("data folder", writable, str(folder), "Choose another with --data DIR or MAF_DATA_DIR.")]
