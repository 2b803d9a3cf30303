"""An entry as its handler sees it, and how entries are consumed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

NEW_ONLY = "$"
FROM_START = "0"
# The server is away; nothing is wrong with the work. Whoever meets this lets it through: the worker is made anew and
# the entry, still pending, is handled again.
SERVER_AWAY = (RedisConnectionError, RedisTimeoutError)
_MOST_READ = 5000  # what a script on the server can pass on to one command


class Entry(NamedTuple):
    """One decoded stream entry. `deliveries` counts how often it was handed out, this time included."""

    stream: str
    id: str
    payload: dict[str, Any]
    deliveries: int = 1


Handler = Callable[[Entry], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a group consumes.

    `lease_s`: after how long a silent consumer's entry is taken over. `start`: where a group that does not exist yet
    begins. `concurrency`: entries handled at once; 1 keeps their order. `attempts`: tries in a row for a handler that
    raises. `max_deliveries`: after so many consumers died over an entry, at least two, it is given up. `max_bytes`: a
    larger entry is refused unread; None takes any. `own_name`: no other process ever has this consumer's name. `spare`:
    as many of the places are left free for `take_in` when the consumer reads; those that handle in order have none.
    """

    start: str = NEW_ONLY
    lease_s: float = 60.0
    batch: int = 64
    # How soon a stop is noticed. A read is not cut short for it: its connection would be lost, and perhaps its answer.
    block_ms: int = 200
    concurrency: int = 1
    attempts: int = 3
    max_deliveries: int = 10
    max_bytes: int | None = 8_000_000
    own_name: bool = False
    spare: int = 0

    def __post_init__(self) -> None:
        """Raises `ValueError` for what cannot work."""
        if self.max_deliveries < 2:
            raise ValueError("max_deliveries is at least 2: what was read and never begun has been delivered once")
        if not 1 <= self.batch <= _MOST_READ:
            raise ValueError(f"batch is 1 to {_MOST_READ}, not {self.batch}")
