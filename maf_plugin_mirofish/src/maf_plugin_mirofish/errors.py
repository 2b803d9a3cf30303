"""What can go wrong with a simulation, and what to do about each: wait, try again, make something anew, or give up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maf_core import MAFError


class MiroFishError(MAFError):
    """MiroFish did not do what was asked. Worth another try."""


class AwayError(MiroFishError):
    """Nobody answers at the address. Nothing was asked, so nothing was paid for."""


class BrokenError(MiroFishError):
    """An answer that is none: lost on the way, too late, too long, no JSON, of the wrong shape, or a 5xx.

    `answered`: MiroFish itself said that it failed; else what was asked for may still be going on in there.
    """

    def __init__(self, sentence: str, *, answered: bool = False) -> None:
        super().__init__(sentence)
        self.answered = answered


class RefusedError(MiroFishError):
    """MiroFish refused. `status`: of the answer, also 200; `body`: what it said besides, by name."""

    def __init__(self, sentence: str, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(sentence)
        self.status = status
        self.body = body


class StageError(MiroFishError):
    """MiroFish tried, and failed or got stuck."""


class VanishedError(MiroFishError):
    """What an earlier stage made is gone. `field`: where its id stands in the progress of the run."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


class HopelessError(MAFError):
    """Another try would end in the same way."""


class LeaseLostError(MAFError):
    """Another worker has taken the run over."""
