"""What text that others wrote may do to a verdict: make it smaller or stop it, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maf_core.agents.ensemble import WeighingOptions, weigh

DIRECTIONS = ("BULLISH", "BEARISH", "NEUTRAL")
TRUSTED, UNTRUSTED, SILENT = "abc", "xyz", "mn"


def voice(agent: str, direction: str, confidence: float, *, untrusted: bool = False) -> dict:
    said = {"agent": agent, "signal": direction, "confidence": confidence}
    return {**said, "untrusted": True} if untrusted else said


def voices(names: str, *, untrusted: bool = False):
    said = st.tuples(st.sampled_from(DIRECTIONS), st.floats(0, 1))
    return st.dictionaries(st.sampled_from(names), said, max_size=len(names)).map(
        lambda found: [voice(name, *what, untrusted=untrusted) for name, what in found.items()]
    )


OPTIONS = st.builds(
    WeighingOptions,
    threshold=st.floats(0.01, 0.99),
    weights=st.dictionaries(st.sampled_from(TRUSTED + UNTRUSTED + SILENT), st.floats(0, 10)),
)
SILENCE = st.lists(st.sampled_from(SILENT), unique=True)


def exposure(found) -> float:
    """The size of the action, signed."""
    return 0.0 if found.verdict.word == "HOLD" else found.verdict.score


@given(trusted=voices(TRUSTED), text=voices(UNTRUSTED, untrusted=True), silent=SILENCE, options=OPTIONS, data=st.data())
def test_text_opens_turns_and_enlarges_nothing(trusted, text, silent, options, data):
    """Compared with the run in which those who read the text had none, and so abstained."""
    spoke = [voice["agent"] for voice in text]
    without = weigh(trusted, [*silent, *spoke], options)
    said = weigh(data.draw(st.permutations([*trusted, *text])), silent, options)
    assert said.trusted.word == without.verdict.word
    assert abs(exposure(said)) <= abs(exposure(without)) + 1e-12
    assert exposure(said) * exposure(without) >= 0
    if said.verdict.word != "HOLD":
        assert said.verdict.word == without.verdict.word
        assert said.verdict.confidence <= without.verdict.confidence + 1e-12


@given(trusted=voices(TRUSTED), text=voices(UNTRUSTED, untrusted=True), silent=SILENCE, options=OPTIONS)
def test_guests_open_turn_and_enlarge_nothing(trusted, text, silent, options):
    """As for text, but whether they speak is nothing to the panel."""
    without = weigh(trusted, silent, options)
    said = weigh(trusted, silent, options, text)
    assert said.trusted == without.verdict
    assert abs(exposure(said)) <= abs(exposure(without)) + 1e-12
    assert exposure(said) * exposure(without) >= 0
    if said.verdict.word != "HOLD":
        assert said.verdict.confidence <= without.verdict.confidence + 1e-12


@given(trusted=voices(TRUSTED), text=voices(UNTRUSTED, untrusted=True), silent=SILENCE, options=OPTIONS)
def test_counted_text_is_a_voice_like_any_other(trusted, text, silent, options):
    assume(text)
    counting = options.model_copy(update={"untrusted": "count"})
    plain = [{key: value for key, value in said.items() if key != "untrusted"} for said in text]
    assert weigh([*trusted, *text], silent, counting) == weigh([*trusted, *plain], silent, options)


@pytest.mark.parametrize(
    ("text", "verdict", "score", "confidence"),
    [
        (("BULLISH", 1.0), "BUY", 0.6, 0.5),  # it agrees: nothing grows
        (("NEUTRAL", 1.0), "BUY", 0.3, 0.375),  # it dilutes
        (("BEARISH", 0.2), "BUY", 0.2, 0.5),  # it objects
        (("BEARISH", 0.5), "HOLD", 0.05, 1 - 0.1 / 1.1),
        (("BEARISH", 1.0), "HOLD", 0.0, 1 - 0.4 / 1.6),  # it cannot turn it round
    ],
)
def test_a_buy_with_text(text, verdict, score, confidence):
    found = weigh([voice("a", "BULLISH", 0.6), voice("x", *text, untrusted=True)], [], WeighingOptions())
    assert found.verdict.word == verdict
    assert found.verdict.score == pytest.approx(score)
    assert found.verdict.confidence == pytest.approx(confidence)
    assert (found.trusted.word, found.reducing) == ("BUY", ("x",))


def test_text_alone_does_nothing():
    found = weigh([voice("x", "BEARISH", 1.0, untrusted=True)], [], WeighingOptions())
    assert (found.verdict.word, found.verdict.score) == ("HOLD", 0.0)
