"""Names of the keys and streams that MAF itself reads and writes."""

from __future__ import annotations

import re

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

_TAG = re.compile(r"[^{]*\{([^}]+)\}")


def arena_output(arena: str) -> str:
    """The stream on which an arena's envelopes go out."""
    return f"maf:arena:{arena}:output"


def beside(stream: str, *parts: str) -> str:
    """An internal key in the cluster slot of `stream`, so that one script can touch both."""
    tagged = _TAG.match(stream)  # a name may say itself which part of it decides on the slot
    return ":".join(["maf", f"{{{tagged[1]}}}", stream, *parts] if tagged else ["maf", f"{{{stream}}}", *parts])
