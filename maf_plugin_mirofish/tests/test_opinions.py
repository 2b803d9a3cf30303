"""Numbers read from words: what is unclear abstains, and nothing a model says can break the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_plugin_mirofish.opinions import Opinion, numbers_in, opinion_in, question, summary_of
from maf_plugin_mirofish.run import Spoken
from maf_plugin_mirofish.testing.talk import line


@pytest.mark.parametrize(
    ("text", "prob_up"),
    [
        (line("UP", 0.7), 0.7),
        (line("DOWN", 0.7), 0.3),
        (line("up ", "0.7"), 0.7),
        (line("UP", "70%"), 0.7),
        (line("UP", " 62.5 % "), 0.625),
        (line("UP", 0.5), 0.5),
        (line("UP", 1), 1.0),
        ('{"direction": "UP", "probability": 0.9}', 0.9),
        (f"Well…\n```json\n{line('DOWN', 1)}\n```\nThat is all.", 0.0),
        (line("UP", 0.6) + "\nOn reflection:\n" + line("DOWN", 0.8), 0.2),
        (line("UP", 0.6) + ' {"mood": "fine"}', 0.6),
        (question("AAPL", 24) + line("UP", 0.8), 0.8),
        (line("UP", 0.8, hours="24"), 0.8),
    ],
)
def test_a_number_is_found(text, prob_up):
    assert opinion_in(text, 24).prob_up == pytest.approx(prob_up)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.7",
        "probability: 0.7",
        "{}",
        '{"probability": 0.7}',
        '{"direction": "UP"}',
        line("UP", 70),
        line("UP", 1.01),
        line("UP", -0.2),
        line("UP", 0.3),
        line("DOWN", 0.49),
        line("UP", "170%"),
        line("UP", "high"),
        line("UP", None),
        line("UP", True),
        line("UP", [0.7]),
        line("UP", float("nan")),
        line("UP", float("inf")),
        line("UP", "1e999"),
        line("FLAT", 0.7),
        line("UP", 0.7, hours=48),
        line("UP", 0.7, hours="soon"),
        '{"direction": "UP", "probability": 0.7',
        "{'direction': 'UP', 'probability': 0.7}",
        line("UP", 0.7) + line("UP", 70),
        question("AAPL", 24),
        "{" * 100_000,
        "[" * 50_000 + "{}" * 1000,
    ],
)
def test_what_is_unclear_abstains(text):
    assert opinion_in(text, 24) is None


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_anything_at_all_can_be_read(text):
    for said in (text, f'{{"direction": "UP", "probability": {text}}}', f'{{"probability": 0.7, "drivers": {text}}}'):
        found = opinion_in(said, 24)
        assert found is None or 0 <= found.prob_up <= 1


@given(st.sampled_from(["UP", "DOWN"]), st.floats(0.5, 1))
def test_the_probability_is_that_of_the_direction(direction, probability):
    found = opinion_in(line(direction, probability), 24)
    assert found.prob_up == pytest.approx(probability if direction == "UP" else 1 - probability)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_mean_of_all_and_how_far_they_are_apart(probabilities):
    found = summary_of([Opinion(probability) for probability in probabilities])
    assert min(probabilities) - 1e-9 <= found["prob_up"] <= max(probabilities) + 1e-9
    assert found["probability"] == max(found["prob_up"], 1 - found["prob_up"])
    assert found["direction"] == ("UP" if found["prob_up"] >= 0.5 else "DOWN")
    assert 0 <= found["dissent_pct"] <= 1
    assert found["dispersion"] is None if len(probabilities) == 1 else 0 <= found["dispersion"] <= 0.5 + 1e-9


def test_two_camps_are_seen():
    found = summary_of([Opinion(0.9), Opinion(0.9), Opinion(0.1)])
    assert (found["dissent_pct"], found["dispersion"]) == (pytest.approx(1 / 3), pytest.approx(0.377, abs=0.001))


def test_reasons_are_counted_by_voices():
    first = Opinion(0.6, ("Rates", "rates", "oil"))
    assert summary_of([first, Opinion(0.7, ("oil",)), Opinion(0.8, ("OIL", "debt"))])["drivers"] == [
        "oil",
        "Rates",
        "debt",
    ]


@pytest.mark.parametrize(
    ("drivers", "kept"),
    [("debt", ("debt",)), (None, ()), ([1, None], ()), (["a\n b", " "], ("a b",)), (["x" * 999], ("x" * 200,))],
)
def test_reasons_are_short_text(drivers, kept):
    assert opinion_in(line(drivers=drivers), 24).drivers == kept


def test_who_has_no_number_is_not_counted():
    said = [
        Spoken(who="a", text=line("UP", 0.8)),
        Spoken(who="b", text="no idea"),
        Spoken(who="c", text=line("UP", 0.6)),
    ]
    assert [opinion.prob_up for opinion in numbers_in(said, 24)] == [0.8, 0.6]
