"""Models that failed are left alone for a while, so that not every question finds out anew."""

from __future__ import annotations

from collections.abc import Callable

from maf_core.llm.base import ModelChoice


class Refusals:
    """Which models rest, and why. `now`: seconds that only go forward."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._resting: dict[tuple[str, str], tuple[float, str]] = {}

    def add(self, choice: ModelChoice, reason: str, rest_s: float) -> None:
        """Leave the model alone for so long."""
        if rest_s > 0:
            self._resting[choice.provider, choice.name] = (self._now() + rest_s, reason)

    def why(self, choice: ModelChoice) -> str:
        """Why the model is left alone; "" when it is not."""
        return self._sentence(choice.provider, choice.name)

    def all(self) -> list[str]:
        """A sentence for each model that rests."""
        return [sentence for key in list(self._resting) if (sentence := self._sentence(*key))]

    def _sentence(self, provider: str, name: str) -> str:
        until, reason = self._resting.get((provider, name), (0.0, ""))
        left = until - self._now()
        if left <= 0:
            self._resting.pop((provider, name), None)
            return ""
        return f"{provider}:{name} is left alone for {left:.0f} s more: {reason}"
