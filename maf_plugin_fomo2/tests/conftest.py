"""What the tests of this package share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def report() -> Callable[..., dict[str, Any]]:
    """A report as fomo2 writes it, with these fields changed."""

    def make(**fields: Any) -> dict[str, Any]:
        return {
            "report_id": "r-1",
            "title": "Apple guides lower",
            "text": "Revenue will fall short of what was expected.",
            "symbols": ["AAPL"],
            "created_at": NOON.isoformat(),
            **fields,
        }

    return make
