"""Valid documents of every kind: the bytes of the wire, committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What stands in the field `data`, one of each kind."""
    return json.loads(request.param.read_bytes())
