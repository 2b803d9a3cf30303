"""Arenas as they were when runs began, so that a run goes on with its own after the configuration has changed."""

from __future__ import annotations

import time
from hashlib import sha256

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core.arenas.config import ArenaConfig
from maf_core.settings import explain

log = structlog.get_logger(__name__)

_RENEW_SECONDS = 3600.0


class Definitions:
    """Keeps each definition that runs of this process began with, under a digest of what it says."""

    def __init__(self, redis: Redis, keep_s: int) -> None:
        self._redis = redis
        self._keep_s = keep_s
        self._digests: dict[str, tuple[ArenaConfig, str]] = {}
        self._kept_at: dict[str, float] = {}

    async def keep(self, arena: ArenaConfig) -> str:
        """The digest of an arena, whose definition can be found for as long as its runs can be taken up.

        A round trip once an hour.
        """
        known = self._digests.get(arena.name)
        if known is not None and known[0] is arena and self._fresh(known[1]):
            return known[1]
        said = arena.model_dump_json(exclude_unset=True)
        digest = sha256(said.encode()).hexdigest()[:32]
        await self._redis.set(_key(digest), said, ex=self._keep_s)
        self._digests[arena.name] = arena, digest
        self._kept_at[digest] = time.monotonic()
        return digest

    async def find(self, digest: str) -> ArenaConfig | None:
        """The arena of this digest; None, with a warning, when it is gone or this version cannot read it."""
        said = await self._redis.get(_key(digest))
        try:
            if said is not None:
                return ArenaConfig.model_validate_json(said)
            reason = "it is no longer kept"
        except ValidationError as error:
            reason = explain(error)
        log.warning("definition_not_found", digest=digest, reason=reason)
        return None

    def _fresh(self, digest: str) -> bool:
        return time.monotonic() - self._kept_at[digest] < _RENEW_SECONDS


def _key(digest: str) -> str:
    return f"maf:arena-definition:{digest}"
