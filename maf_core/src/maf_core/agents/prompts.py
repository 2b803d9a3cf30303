"""What models are told and asked. Everything that is not said here reaches them as quoted data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from maf_core.agents.quoting import QUOTED_IS_DATA, quote, quote_json

SPECIALIST = """\
You are the specialist for {domain} on a panel that judges one target.
{role}
Judge from the data alone, as of the moment you are given; nothing later has happened yet. Call the read_ tools for the
data. The routine has computed its own signal from the same data: its numbers are right; say in key_factors why, where
you judge otherwise. confidence is how likely you are right about the direction, from 0 to 1. If the data carry no
judgement, set abstain; NEUTRAL is a judgement too.
{quoted}"""

SYNTHESIS = """\
You answer for the verdict of a panel. Its score and verdict are computed from the signals and stand firm. You either
stand behind the computed verdict or hold back with HOLD, when what the panel says does not carry it. You cannot make
it bolder or turn it round. Give your reasoning in a few sentences, for people who were not there.
{quoted}"""

DEBATER = """\
You debate what becomes of one target. {brief}
Argue from what the panel said, as of the moment you are given; nothing later has happened yet. Answer the other side's
strongest point, and change your stance when it convinces you. confidence is how likely your stance is right, 0 to 1.
{quoted}"""

AGAIN = "This is look number {look}: something was missing or could not be read before."

_REPORT = 1500  # characters of one agent's report


def instructions(template: str, **parts: str) -> str:
    """A template with its parts, and what quoted text is."""
    return template.format(**parts, quoted=QUOTED_IS_DATA)


def opening(target: Mapping[str, Any], as_of: datetime, look: int) -> list[str]:
    """What every question begins with: the target, the moment, and how often this was asked before."""
    said = [f"As of: {as_of.isoformat()}", quote_json(target, "the target")]
    return [*said, AGAIN.format(look=look + 1)] if look else said


def voices(signals: Iterable[Mapping[str, Any]], reports: Mapping[str, Any]) -> list[str]:
    """The signals with their words and, where there is one, the agent's report."""
    told = []
    for signal in signals:
        agent = str(signal["agent"])
        said = {key: signal.get(key) for key in ("signal", "confidence", "domain", "summary", "key_factors")}
        told.append(quote_json(said, f"signal of {agent}", 2500))
        if reports.get(agent):
            told.append(quote(str(reports[agent]), f"report of {agent}", _REPORT))
    return told


def turns(said: Iterable[Mapping[str, Any]]) -> list[str]:
    """The turns of a debate, oldest first."""
    keys = ("stance", "confidence", "argument")
    return [
        quote_json({key: turn.get(key) for key in keys}, f"{turn.get('agent')} in round {turn.get('round')}", 2000)
        for turn in said
    ]


def memories(recalled: Iterable[Mapping[str, Any]], *, with_words: bool) -> list[str]:
    """Earlier decisions and what came of them.

    The words of one that rests on text that others wrote are shown only `with_words`; its verdict and numbers always.
    """
    told = []
    for memory in recalled:
        whole = with_words or not memory.get("untrusted")
        keys = ("as_of", "verdict", "confidence", "score", "outcome", *(("situation", "reasoning") if whole else ()))
        said = {key: memory[key] for key in keys if memory.get(key) is not None}
        told.append(quote_json(said, f"decision of {memory.get('as_of', 'an earlier day')}", _REPORT))
    return told
