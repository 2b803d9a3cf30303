"""Made for a core that is not here; importing it would show."""

raise AssertionError("an incompatible plugin was imported")
