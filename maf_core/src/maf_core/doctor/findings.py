"""What a check finds, and what happens to one that breaks."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

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


async def found_by(name: str, check: Awaitable[list[Finding]]) -> list[Finding]:
    """What the check finds; one that breaks is itself a finding, and hides no other."""
    try:
        return await check
    except MAFError as error:
        return [Finding(name, False, str(error), "See the sentence above.")]
    except Exception as error:  # noqa: BLE001 - whatever is broken, the other checks go on
        return [Finding(name, False, f"{type(error).__name__}: {error}", f"Reinstall maf, then look at {name}.")]
