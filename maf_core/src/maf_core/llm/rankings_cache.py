"""Keeps rankings for a day, in memory and in a file, and does without what cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from maf_core.errors import LLMError
from maf_core.llm.rankings import Part, Rankings
from maf_core.llm.rankings_sources import analysis_key, fetch_scores, fetch_usage, openrouter_key
from maf_core.settings import LLMSettings, RankingsSettings, Settings

FILE_NAME = "rankings.json"
# After a failure; the services count requests that fail too.
RETRY_S = 900.0
# Older rankings say nothing of the models of today.
OLDEST_S = 30 * 86_400.0
_LARGEST_FILE = 8 * 1024 * 1024

PartT = TypeVar("PartT", bound=Part)


def rankings_wanted(settings: LLMSettings) -> bool:
    """MAF_USE_RANKINGS, where it is set, else `llm.use_rankings`."""
    said = os.environ.get("MAF_USE_RANKINGS", "").strip().lower()
    return said in ("1", "true", "yes", "on") if said else settings.use_rankings


class RankingsCache:
    """The rankings of one machine, in `folder` (by default the data folder). `now`: Unix seconds."""

    def __init__(
        self, settings: RankingsSettings, folder: Path | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._path = (folder or Settings.model_fields["data_dir"].default).expanduser() / FILE_NAME
        self._now = now
        self._known: Rankings | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Rankings:
        """What is known, asked for anew when it is a day old. Never raises: what is missing says so in `problems`."""
        async with self._lock:
            known = self._known or _read(self._path)
            usage, scores = await asyncio.gather(
                self._renewed(known.usage, fetch_usage, openrouter_key(self._settings)),
                self._renewed(known.scores, fetch_scores, analysis_key(self._settings)),
            )
            asked = (usage.tried_at, scores.tried_at) != (known.usage.tried_at, known.scores.tried_at)
            if usage is not known.usage or scores is not known.scores:
                known = Rankings(usage=usage, scores=scores)
            if asked:
                known.unkept = _write(self._path, known)
            self._known = known
            return known

    async def _renewed(
        self, part: PartT, fetch: Callable[[RankingsSettings, datetime], Awaitable[PartT]], key: str | None
    ) -> PartT:
        now = self._now()
        tried = part.tried_at if key else 0.0  # a key that was set since is tried at once
        if now - part.fetched_at < self._settings.ttl_s or now - tried < RETRY_S:
            return part
        try:
            new = await fetch(self._settings, datetime.fromtimestamp(now, UTC))
        except LLMError as error:
            if not key and part.problem == str(error):
                return part
            kept = part if now - part.fetched_at < OLDEST_S else type(part)()
            return kept.model_copy(update={"tried_at": now if key else 0.0, "problem": str(error)})
        return new.model_copy(update={"fetched_at": now, "tried_at": now})


def _read(path: Path) -> Rankings:
    """What was kept; nothing when there is no such file or it is not ours."""
    with contextlib.suppress(OSError, ValidationError):
        if path.stat().st_size <= _LARGEST_FILE:
            return Rankings.model_validate_json(path.read_bytes())
    return Rankings()


def _write(path: Path, rankings: Rankings) -> str:
    """Keep them; another process sees the old file or the new one. Says what went wrong, "" when nothing did."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(rankings.model_dump_json(), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        return f"Rankings cannot be kept in {path} ({error.strerror}); they will be fetched again."
    return ""
