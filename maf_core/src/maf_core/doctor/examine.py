"""All checks, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from maf_core.doctor import here
from maf_core.doctor.findings import Finding, Patient, found_by
from maf_core.doctor.server import redis

CHECKS: dict[str, Callable[[Patient], Awaitable[list[Finding]]]] = {
    "python": here.python,
    "packages": here.packages,
    "plugins": here.plugins,
    "config": here.config,
    "llm": here.llm,
    "data folder": here.data_folder,
    "redis": redis,
}


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Run all checks, each on its own."""
    for name, check in CHECKS.items():
        for finding in await found_by(name, check(patient)):
            yield finding


def run(patient: Patient) -> list[Finding]:
    """All findings, in order."""

    async def work() -> list[Finding]:
        return [finding async for finding in examine(patient)]

    return asyncio.run(work())
