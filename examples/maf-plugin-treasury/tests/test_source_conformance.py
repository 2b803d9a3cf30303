"""The source `treasury_yields` keeps the rules for sources."""

from __future__ import annotations

from datetime import datetime

import pytest
from maf_core.testing import FreshnessConformance, SourceConformance

YIELDS = {"2 Yr": 4.33, "10 Yr": 3.95}


class Entries:
    name = "treasury_yields"

    @pytest.fixture
    def entries(self):
        """The rates of the day on which they became known."""

        def one(as_of: datetime) -> dict[str, dict]:
            day = {"date": as_of.date().isoformat(), "as_of": as_of.isoformat(), **YIELDS}
            return {"treasury:yields": day}

        return one


class TestSource(Entries, SourceConformance):
    @pytest.mark.skip("the curve is the same for every target: there is no unknown one")
    def test_s05_unknown_target(self):
        """Nothing to refuse."""


class TestFreshness(Entries, FreshnessConformance):
    pass
