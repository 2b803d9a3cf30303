"""What sets a run off: watch list, trigger rules, commands."""
