"""What a plugin author tests with: fixtures on a real server, `running` and `wait_until`."""

from maf_core.testing.running import running
from maf_core.testing.waiting import wait_until

__all__ = ["running", "wait_until"]
