"""What simulated people say when they are asked for a number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

# From who is asked (an agent's id, or -1 for the author of the report) and the prompt to what is said.
Say = Callable[[int, str], str]


def line(direction: str = "UP", probability: object = 0.7, hours: int = 24, drivers: object = ("earnings",)) -> str:
    """The line that is asked for."""
    said = {"direction": direction, "probability": probability, "horizon_hours": hours, "drivers": drivers}
    return json.dumps(said)


def agree(who: int, prompt: str) -> str:
    """Everybody is optimistic, each a little differently."""
    hours = re.search(r'"horizon_hours": (\d+)', prompt)
    return f"我认为会涨。\n{line(probability=round(0.6 + 0.03 * (who % 8), 2), hours=int(hours[1]) if hours else 24)}"


def mute(who: int, prompt: str) -> str:  # noqa: ARG001
    """Nobody has a number."""
    return "Very likely up, I would say. Surely more than even."
