"""The whole system on real bars, on this machine: every part is the one a user runs, started as its own process."""
