"""A stand-in for trtools2's API on a real port, with the faults of a service that is asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from maf_core.testing.http import Request
from maf_core.testing.stand_in import Fault, JsonStandIn

__all__ = ["Fault", "Row", "TrtoolsApi"]

Row = dict[str, Any]


class TrtoolsApi(JsonStandIn):
    """What the service knows and how it behaves; all of it may be changed while it runs.

    `shape`: how rows are put in an answer. `api_key`: what must be brought.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.bars: dict[str, list[Row]] = {}
        self.snapshots: dict[str, list[Row]] = {}
        self.coverage: dict[str, list[Row]] = {}
        self.health: list[Row] = []
        self.api_key: str | None = None
        self.shape: Callable[[str, list[Row]], Any] = lambda _, rows: {"data": rows}

    def refusal(self, request: Request) -> Fault | None:
        """Whoever has the wrong key is refused."""
        if fault := super().refusal(request):
            return fault
        welcome = self.api_key in (None, request.headers.get("x-api-key"))
        return None if welcome else Fault(401, b'{"detail": "invalid key"}')

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        """Status and content."""
        symbol = asked.get("symbol") or asked.get("symbols", "")
        if path == "/bars":
            found = [row for row in self.bars.get(symbol, []) if _within(row, asked)]
            return 200, self.shape(symbol, found[-int(asked["limit"]) :][::-1])
        if path == "/snapshots":
            return 200, self.shape(symbol, self.snapshots.get(symbol, []))
        if path == "/coverage":
            return 200, self.shape(symbol, self.coverage.get(symbol, []))
        if path == "/pipeline/health":
            return 200, {"data": self.health}
        return 404, {"detail": "Not Found"}


def _within(row: Row, asked: dict[str, str]) -> bool:
    moment = datetime.fromisoformat(row["t"])
    return datetime.fromisoformat(asked["start"]) <= moment <= datetime.fromisoformat(asked["end"])
