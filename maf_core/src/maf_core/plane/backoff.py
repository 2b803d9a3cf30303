"""Exponential backoff, one for each target."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

_LONG_SECONDS = 3600.0


@dataclass(slots=True)
class Backoff:
    """After the n-th failure in a row a target waits `base_s * 2**(n-1)`, at most `limit_s`, ± 20 % by chance."""

    base_s: float = 1.0
    limit_s: float = 300.0
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)

    def ready(self, target: str) -> bool:
        """Whether the target may be tried now."""
        return time.monotonic() >= self._not_before.get(target, 0.0)

    def wait_s(self, target: str) -> float:
        """Seconds until the target may be tried; 0 when it may."""
        return max(0.0, self._not_before.get(target, 0.0) - time.monotonic())

    def failed(self, target: str, at_least_s: float = 0.0) -> float:
        """Note a failure and return the seconds to wait."""
        failures = self._failures.get(target, 0) + 1
        self._failures[target] = failures
        delay = min(self.limit_s, self.base_s * 2.0 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)
        delay = max(delay, at_least_s)
        self._not_before[target] = time.monotonic() + delay
        return delay

    def succeeded(self, target: str) -> None:
        """Forget the target's failures."""
        self._failures.pop(target, None)
        self._not_before.pop(target, None)

    def forget_idle(self) -> None:
        """Forget the targets that might have been tried again for more than an hour, and were not."""
        long_ago = time.monotonic() - _LONG_SECONDS
        for target in [target for target, ready in self._not_before.items() if ready < long_ago]:
            self.succeeded(target)

    def is_failing(self, target: str) -> bool:
        """Whether the target's last try failed."""
        return target in self._failures

    @property
    def failing(self) -> list[str]:
        """The targets whose last try failed."""
        return sorted(self._failures)
