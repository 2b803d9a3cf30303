"""What holds for the tests of all distributions."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test is timed: a machine that stands still for a moment has found no mistake.
settings.register_profile("maf", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("maf")
