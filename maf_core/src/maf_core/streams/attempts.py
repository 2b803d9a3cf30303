"""Hand an entry to its handler: again when that fails, and with the reason when it never will be handled."""

from __future__ import annotations

import asyncio

import structlog

from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.entry import SERVER_AWAY, ConsumerOptions, Entry, Handler
from maf_core.streams.group import Delivery

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 0.1


class Attempts:
    """A handler, and how often it may try."""

    def __init__(self, handler: Handler, options: ConsumerOptions) -> None:
        self._handler = handler
        self._options = options

    async def outcome(self, delivery: Delivery) -> str | None:
        """None when the entry was handled, else why it never will be. Raises only when the server is away."""
        stream, entry_id, fields, times = delivery
        if times > self._options.max_deliveries:
            return f"given up after {times} deliveries: no consumer lived to finish it"
        try:
            entry = Entry(stream, entry_id, codec.decode(fields or {}, self._options.max_bytes), times)
        except BadEntryError as error:
            return str(error)
        for attempt in range(1, self._options.attempts + 1):
            try:
                await self._handler(entry)
            except BadEntryError as error:
                return str(error)
            except SERVER_AWAY:
                raise
            except Exception as error:
                log.exception("handler_failed", stream=stream, entry=entry_id, attempt=attempt)
                failure = f"{type(error).__name__}: {error}"
                await asyncio.sleep(_RETRY_SECONDS * attempt)
            else:
                return None
        return f"its handler failed {self._options.attempts} times: {failure}"
