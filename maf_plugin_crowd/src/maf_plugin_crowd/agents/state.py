"""What the roles leave for one another in a run's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from maf_plugin_crowd.votes import Vote

State = dict[str, Any]


def voted(votes: Iterable[Vote], silent: Mapping[str, str]) -> State:
    """The patch of votes, and of who abstained and why."""
    cast = {vote.voter: {**asdict(vote), "drivers": list(vote.drivers)} for vote in votes}
    return {
        "votes": {**cast, **dict.fromkeys(silent)},
        "abstentions": {**dict.fromkeys(cast), **silent},
    }


def votes_in(state: State) -> list[Vote]:
    """The votes so far, by voter."""
    found = [vote for _, vote in sorted(state.get("votes", {}).items()) if vote]
    return [Vote(**{**vote, "drivers": tuple(vote["drivers"])}) for vote in found]


def silent_in(state: State) -> dict[str, str]:
    """Who was asked and gave no vote, and why: abstained, failed, or took too long."""
    silent = {**state.get("abstentions", {}), **state.get("failures", {})}
    return {name: str(why) for name, why in sorted(silent.items()) if why}
