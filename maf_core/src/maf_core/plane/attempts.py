"""What came of attempts: who backs off and for how long, whether the service as a whole is left alone, and counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping

import structlog

from maf_core.errors import MAFError
from maf_core.plane.backoff import Backoff
from maf_core.plane.leases import Rest
from maf_core.plane.schedule import Target

log = structlog.get_logger(__name__)

# A target comes up again after 80 to 92 % of its cadence: those that came together drift apart, and none is late.
_EARLY = (0.80, 0.92)
# A service that asks for more was not meant to be believed.
_LONGEST_PAUSE_SECONDS = 3600.0


class RefreshError(MAFError):
    """A target could not be refreshed; it is tried again after a while that grows."""


class NotUsableError(RefreshError):
    """What there is to refresh the target from cannot be used. News of it is tried all the same."""


class ServiceAwayError(RefreshError):
    """Nothing can be refreshed for now, whichever target: the service is away, or asks to be left alone.

    `retry_after_s`: for at least how long, when it said so; more than an hour counts as an hour.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Attempts:
    """The record of one refresher in one process. A streak of failures is one line in the log."""

    def __init__(self, refresher: str, base_s: float, limit_s: float) -> None:
        self.counts: Counter[str] = Counter()
        self._refresher = refresher
        self._targets = Backoff(base_s, limit_s)
        self._service = Backoff(base_s, limit_s)

    @property
    def pause_s(self) -> float:
        """For how long no target may be tried."""
        return self._service.wait_s(self._refresher)

    @property
    def probing(self) -> bool:
        """Whether the service was away when last asked: then one attempt at a time will do."""
        return bool(self._service.failing)

    @property
    def failing(self) -> int:
        """How many targets failed when last tried."""
        return len(self._targets.failing)

    def failed_before(self, target: Target) -> bool:
        """Whether the target's last attempt failed."""
        return self._targets.is_failing(target.key)

    def forget(self, targets: Iterable[Target]) -> None:
        """Drop what is known about these, and about those that nobody has tried for long."""
        for target in targets:
            self._targets.succeeded(target.key)
        self._targets.forget_idle()

    def succeeded(self, target: Target, cadence_s: float) -> tuple[Rest, float]:
        """Count it; how the target's lease is left, and for how many seconds."""
        self.counts["refreshed"] += 1
        if self.failed_before(target):
            log.info("refresh_recovered", refresher=self._refresher, target=target.key)
        self._targets.succeeded(target.key)
        self._service.succeeded(self._refresher)
        return "resting", cadence_s * random.uniform(*_EARLY)

    def failed(self, failures: Mapping[Target, Exception]) -> dict[Target, tuple[Rest, float]]:
        """Count them; how each target's lease is left, and for how many seconds. One error of many is one line."""
        told: set[int] = set()
        rests: dict[Target, tuple[Rest, float]] = {}
        for target, error in failures.items():
            if isinstance(error, ServiceAwayError):
                self._pause(error)
                rests[target] = ("resting", 0.0)  # another machine may still reach it
                continue
            if not self.failed_before(target) and id(error) not in told:
                told.add(id(error))
                self._tell(target, error, sum(other is error for other in failures.values()))
            self.counts["failed"] += 1
            seconds = self._targets.failed(target.key)
            rests[target] = ("resting" if isinstance(error, NotUsableError) else "barred", seconds)
        return rests

    def _tell(self, target: Target, error: Exception, targets: int) -> None:
        log.warning(
            "refresh_failed",
            refresher=self._refresher,
            target=target.key,
            targets=targets,
            error=str(error) or type(error).__name__,
            exc_info=None if isinstance(error, MAFError) else error,
        )

    def _pause(self, error: ServiceAwayError) -> None:
        """Once for the many attempts that were on their way when the service went."""
        self.counts["service_away"] += 1
        if self.pause_s:
            return
        first = not self.probing
        asked = min(error.retry_after_s or 0.0, _LONGEST_PAUSE_SECONDS)
        delay = self._service.failed(self._refresher, asked)
        if first:
            log.warning("service_away", refresher=self._refresher, error=str(error), retry_in_s=round(delay, 2))
