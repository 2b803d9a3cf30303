"""Keeps what was answered during a run, so that whoever takes the run up asks nobody twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic_core import from_json, to_json

from maf_core.arenas.state import frozen, plain
from maf_core.errors import RunError

log = structlog.get_logger(__name__)

Ask = Callable[[], Awaitable[Any]]
Save = Callable[[str, bytes], Awaitable[None]]

# What the server should have to keep of one answer, and of all answers of one run.
LARGEST_BYTES = 4_000_000
MOST_BYTES = 32_000_000
_WORDS = 200
# Before these are asked it is worth a look whether the run is still this worker's: it may have stalled meanwhile.
_COSTLY = ("llm",)


class Recorder:
    """The answers of one run, by what was asked: within a round, one request has one answer.

    `save` gets the key and the bytes of each new answer; `saved` holds those of earlier workers. `check` raises when
    the run is no longer this worker's. Whoever wants several answers to one question says so in the request, for
    example by counting them.
    """

    def __init__(
        self,
        save: Save | None = None,
        saved: Mapping[str, bytes] | None = None,
        *,
        round_number: int = 0,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.round = round_number
        self._save = save
        self._check = check
        self._saved = dict(saved or {})
        self._room = MOST_BYTES - sum(map(len, self._saved.values()))
        self._known: dict[str, Any] = {}
        self._asking: dict[str, asyncio.Future[None]] = {}

    async def answered(self, kind: str, request: Any, ask: Ask) -> Any:
        """The recorded answer to this request, else what `ask` gives, saved before it is returned.

        Whoever asks the same at the same time waits for the one who asks. What `ask` raises is raised here and not
        recorded. `TypeError` or `ValueError` for a request or an answer that is no JSON data.
        """
        return plain(await self.shared(kind, request, ask))

    async def shared(self, kind: str, request: Any, ask: Ask) -> Any:
        """As `answered`; the answer is frozen, so that it need not be copied for each who asks."""
        key = self._key(kind, request)
        while key not in self._known:
            if key in self._saved:
                self._known[key] = _answer_in(self._saved.pop(key), key)
            elif key in self._asking:
                await self._wait(self._asking[key])
            else:
                await self._ask(key, kind, request, ask)
        return self._known[key]

    def forget(self) -> None:
        """Begin a new round: from here on the same questions are asked anew."""
        self.round += 1

    def _key(self, kind: str, request: Any) -> str:
        canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
        return f"{kind}:{self.round}:{hashlib.sha256(canonical.encode()).hexdigest()}"

    async def _ask(self, key: str, kind: str, request: Any, ask: Ask) -> None:
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            if self._check is not None and kind in _COSTLY:
                await self._check()
            answer = await ask()
            known = frozen(answer)
            await self._keep(key, kind, request, answer)
            self._known[key] = known
        except Exception as error:
            asking.set_exception(error)
            asking.exception()  # looked at, also when nobody waits
            raise
        finally:
            del self._asking[key]
            asking.cancel()  # unless it failed, those who wait look again: there is an answer, or it is theirs to ask

    async def _wait(self, asking: asyncio.Future[None]) -> None:
        await asyncio.wait([asking])
        if not asking.cancelled():
            asking.result()

    async def _keep(self, key: str, kind: str, request: Any, answer: Any) -> None:
        if self._save is None:
            return
        at = datetime.now(UTC).isoformat()
        record = to_json({"kind": kind, "at": at, "about": _about(request), "answer": answer})
        if len(record) > min(LARGEST_BYTES, self._room):
            log.warning("answer_not_recorded", key=key, bytes=len(record), about=_about(request))
            return
        self._room -= len(record)
        await self._save(key, record)


def _about(request: Any) -> dict[str, Any]:
    """What a person needs to recognise the request by: its short words and numbers."""
    if not isinstance(request, Mapping):
        return {}
    words = {key: value for key, value in request.items() if isinstance(value, int | float | str)}
    return {key: value for key, value in words.items() if len(str(value)) <= _WORDS}


def _answer_in(record: bytes, key: str) -> Any:
    try:
        return frozen(from_json(record)["answer"])
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"the recorded answer {key} cannot be read: {error}") from error
