"""Names of the keys and streams that MAF itself reads and writes."""

from __future__ import annotations

CONTROL_IN = "maf:control:in"
CONTROL_OUT = "maf:control:out"
EVENTS = "maf:events"
ACTIONS = "maf:actions:out"
APPROVALS = "maf:approvals:in"
DECISIONS = "maf:decisions:out"
EXECUTIONS = "maf:executions:out"
OUTCOMES = "maf:outcomes:out"
DEAD = "maf:dead"
CLOCK = "maf:clock"
GROUPS = "maf:groups"
STREAMS = "maf:streams"
WATCH = "maf:watch"


def arena_output(arena: str) -> str:
    """The stream on which an arena's envelopes go out."""
    return f"maf:arena:{arena}:output"


def beside(stream: str, *parts: str) -> str:
    """An internal key in the cluster slot of `stream`, so that one script can touch both."""
    return ":".join(["maf", f"{{{stream}}}", *parts])
