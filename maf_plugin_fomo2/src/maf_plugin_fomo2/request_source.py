"""The source `fomo2_request`: ask fomo2 about a symbol, and wait for its answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core import BadEntryError, BaseSource, RequestResponseFreshness, SourceQuery, SourceResult, publish
from maf_core.clock import parse_time
from maf_core.sources.fields import symbol_of, text_of
from maf_core.streams.publish import keep_bounded
from maf_plugin_fomo2.config import RequestConfig
from maf_plugin_fomo2.mailbox import Answer, Mailbox

_ENVELOPE = {"correlation_id", "status", "error", "as_of", "ts"}


class RequestSource(BaseSource):
    """Answers with what fomo2 put under `report`, `answer`, `data` or `result`, else with its whole payload.

    Gaps: `no_fomo2_request` without an answer in time, or with one that says `error` or would look ahead;
    `parse_fail_fomo2_request` with one that cannot be read.
    """

    name = "fomo2_request"
    Config = RequestConfig
    config: RequestConfig
    untrusted = True

    def __init__(self, redis: Redis, config: RequestConfig) -> None:
        super().__init__(redis, config)
        self.mailbox = Mailbox(redis, config.response_stream)
        self._bounded = False

    @classmethod
    def freshness_spec(cls, config: RequestConfig) -> RequestResponseFreshness:
        """The two bound streams."""
        return RequestResponseFreshness(config.request_stream, config.response_stream)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """Ask once. Raises `RedisError` when the server is away."""
        request = self._request(query)
        try:
            async with (
                asyncio.timeout(self.config.timeout_s),
                self.mailbox.expecting(request["correlation_id"]) as answer,
            ):
                await self._ask(request)
                answered = await answer
        except TimeoutError:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        return self._result(answered, query.as_of)

    async def _ask(self, request: dict[str, Any]) -> None:
        await publish(self.redis, self.config.request_stream, request)
        if not self._bounded:  # nobody of MAF's reads it, so that it is trimmed only if somebody says so
            await keep_bounded(self.redis, self.config.request_stream)
            self._bounded = True

    def _request(self, query: SourceQuery) -> dict[str, Any]:
        return {
            "correlation_id": uuid4().hex,
            "kind": self.config.question,
            "symbol": symbol_of(query),
            "target": dict(query.target),
            "as_of": query.as_of.isoformat(),
            "requested_at": datetime.now(UTC).isoformat(),
            "expires_at": (datetime.now(UTC) + timedelta(seconds=self.config.timeout_s)).isoformat(),
        }

    def _result(self, answer: Answer, asked_as_of: datetime) -> SourceResult:
        try:
            as_of = self._known_at(answer, asked_as_of)
            data = _content(answer)
        except BadEntryError:
            return SourceResult(None, gaps=(f"parse_fail_{self.name}", f"no_{self.name}"))
        if as_of is None or data is None or as_of > asked_as_of:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        return SourceResult(data, as_of, size_bytes=len(to_json(data)))

    def _known_at(self, answer: Answer, asked_as_of: datetime) -> datetime | None:
        """As of when the answer holds; None when it does not say and may know what came later."""
        stated = answer.get("as_of")
        if stated:
            return parse_time(stated)
        lead = datetime.now(UTC) - asked_as_of
        return asked_as_of if lead <= timedelta(seconds=self.config.max_lead_s) else None


def _content(answer: Answer) -> Any:
    """What was answered; None for an error."""
    if answer.get("error") or text_of(answer, "status").lower() in ("error", "failed"):
        return None
    for name in ("report", "answer", "data", "result"):
        if answer.get(name) not in (None, ""):
            return answer[name]
    return {name: value for name, value in answer.items() if name not in _ENVELOPE} or None
