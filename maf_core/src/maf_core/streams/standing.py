"""Where streams and their consumer groups stand: lengths, what waits to be delivered, what waits to be acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from maf_core.streams.ids import order
from maf_core.streams.raw import text
from maf_core.streams.redrive import REDRIVEN

# By stream and group: the oldest pending entry, and the consumers.
_Closer = dict[tuple[str, str], tuple[Any, Any]]
_SILENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """A group on one stream; times in seconds.

    `lag`: entries never delivered; None when the server has lost count, as it does when entries were deleted.
    `pending`: delivered, not acknowledged; `oldest_pending_s`: since the oldest of them was last handed out.
    `asked_s`: since one of the `consumers` last asked for entries. Both are None where there is nothing to measure.
    """

    group: str
    lag: int | None = 0
    pending: int = 0
    oldest_pending_s: float | None = None
    consumers: int = 0
    asked_s: float | None = None

    @property
    def attended(self) -> bool:
        """Whether somebody consumes: whoever lives asks, or renews its hold on what it works on, within a minute."""
        return self.asked_s is not None and self.asked_s <= _SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """A stream; one that is not there has length 0. `fault`: why it could not be measured."""

    stream: str
    length: int = 0
    last_id: str | None = None
    groups: tuple[GroupStanding, ...] = ()
    fault: str = ""


async def standings(redis: Redis, streams: Iterable[str]) -> list[Standing]:
    """Where these streams stand, in their order. Two round trips, whatever their number."""
    streams = list(streams)
    pipeline = redis.pipeline(transaction=False)
    for stream in streams:
        pipeline.xinfo_stream(stream)
        pipeline.xinfo_groups(stream)
    answers = await pipeline.execute(raise_on_error=False) if streams else []
    infos, groups = answers[::2], [found if isinstance(found, list) else [] for found in answers[1::2]]
    named = [(stream, text(group["name"])) for stream, found in zip(streams, groups, strict=True) for group in found]
    closer = await _closer(redis, named)
    return [_standing(stream, info, found, closer) for stream, info, found in zip(streams, infos, groups, strict=True)]


async def _closer(redis: Redis, named: Sequence[tuple[str, str]]) -> _Closer:
    """The oldest pending entry and the consumers of each group."""
    pipeline = redis.pipeline(transaction=False)
    for stream, group in named:
        pipeline.xpending_range(stream, group, "-", "+", 1)
        pipeline.xinfo_consumers(stream, group)
    answers = await pipeline.execute(raise_on_error=False) if named else []
    return dict(zip(named, zip(answers[::2], answers[1::2], strict=True), strict=True))


def _standing(stream: str, info: Any, groups: list[dict[str, Any]], closer: _Closer) -> Standing:
    if isinstance(info, Exception):
        fault = "" if "no such key" in str(info) else f"{stream} cannot be read as a stream: {info}"
        return Standing(stream, fault=fault)
    found = tuple(_group(group, info, *closer[stream, text(group["name"])]) for group in groups)
    return Standing(stream, info["length"], _id(info["last-entry"]), found)


def _group(group: dict[str, Any], info: dict[str, Any], oldest: Any, consumers: Any) -> GroupStanding:
    waiting = [row["time_since_delivered"] / 1000 for row in _rows(oldest)]
    asked = [one["idle"] / 1000 for one in _rows(consumers) if text(one["name"]) != REDRIVEN]
    return GroupStanding(
        group=text(group["name"]),
        lag=_lag(group, info),
        pending=group["pending"],
        oldest_pending_s=min(waiting, default=None),
        consumers=len(asked),
        asked_s=min(asked, default=None),
    )


def _lag(group: dict[str, Any], info: dict[str, Any]) -> int | None:
    """Trimming moves the beginning of a stream, and servers before 7.4 go on counting what went with it."""
    first, last = _id(info["first-entry"]), _id(info["last-entry"])
    delivered = order(text(group["last-delivered-id"]))
    if first is None or last is None or delivered >= order(last):
        return 0
    if delivered < order(first):
        return int(info["length"])
    return None if group.get("lag") is None else min(int(group["lag"]), int(info["length"]))


def _id(entry: Any) -> str | None:
    return text(entry[0]) if entry and entry[0] is not None else None


def _rows(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else []
