"""What a replay did, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maf_core import Bar
from maf_plugin_trtools2.history import History


@dataclass(frozen=True, slots=True)
class Summary:
    """The first `played` bars of `history` went onto `stream` within `seconds`, reading included."""

    history: History
    played: int
    seconds: float
    stream: str

    @property
    def bars(self) -> list[Bar]:
        """What was played."""
        return self.history.bars[: self.played]

    def as_json(self) -> dict[str, Any]:
        """`from` and `to` are when the first and the last bar were known; None when none was played."""
        bars = self.bars
        return {
            "bars_in": self.played,
            "bars_rejected": len(self.history.rejections),
            "rejected_by_reason": self.history.rejected_by_reason,
            "out_of_order": self.history.out_of_order.total(),
            "gaps": sum(map(len, self.history.gaps.values())),
            "symbols": sorted({bar.symbol for bar in bars}),
            "from": bars[0].as_of.isoformat() if bars else None,
            "to": bars[-1].as_of.isoformat() if bars else None,
            "seconds": round(self.seconds, 3),
            "stream": self.stream,
        }

    def lines(self) -> list[str]:
        """The same as sentences."""
        facts = self.as_json()
        total = len(self.history.bars)
        pace = f"{self.seconds:.2f} s ({self.played / self.seconds:,.0f} bars/s)"
        return [
            f"Played {self.played:,} of {total:,} bars onto {self.stream} in {pace}.",
            *([f"From {facts['from']} to {facts['to']}: {', '.join(facts['symbols'])}."] if self.played else []),
            f"Rejected {facts['bars_rejected']}, out of order {facts['out_of_order']}, gaps {facts['gaps']}.",
            *(f"  {count:,} × {reason}" for reason, count in facts["rejected_by_reason"].items()),
        ]
