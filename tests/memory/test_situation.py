"""The text by which a decision is found again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maf_core.memory.situation import one_line, situation

SIGNAL = {"agent": "chart", "domain": "technical", "signal": "BULLISH", "confidence": 0.8}
LETTERS = "aé東 \n\r\t\x00\x1b\u2028\u202e\ud800🚀:;"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(LETTERS, max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = ("target", "trigger", "signals", "abstentions", "gaps")


def test_it_tells_target_rule_signals_abstentions_and_gaps():
    state = {
        "target": {"ticker": "AAPL", "exchange": "XNAS", "trade_date": "2024-01-02"},
        "trigger": {"rule": "moved", "stream": "s", "entry_id": "1-0"},
        "signals": {
            "news": None,
            "chart": SIGNAL | {"summary": "RSI turned up", "key_factors": ["RSI 28", "MACD crossed"]},
            "flow": SIGNAL | {"signal": "BEARISH", "confidence": 0.4},
        },
        "abstentions": {"news": "no_news", "chart": None},
        "gaps": {"prices": ["stale_prices"], "news": ["no_news"], "flow": []},
    }
    assert situation(state).splitlines() == [
        "target: exchange XNAS, ticker AAPL",
        "trigger: moved",
        "chart BULLISH strong: RSI turned up; RSI 28; MACD crossed",
        "flow BEARISH moderate:",
        "news abstained: no_news",
        "gaps: no_news stale_prices",
    ]


def test_before_the_first_phase_it_is_the_target_and_the_rule():
    assert situation({"target": {"pr_id": 7}, "trigger": None}) == "target: pr_id 7"


def test_another_day_is_the_same_situation():
    days = ({"target": {"ticker": "AAPL", "trade_date": date}} for date in ("2024-01-02", "2024-01-03"))
    assert len(set(map(situation, days))) == 1


def test_the_order_of_signals_is_not_the_order_in_which_they_came():
    one, other = SIGNAL, SIGNAL | {"signal": "BEARISH"}
    assert situation({"signals": {"a": one, "b": other}}) == situation({"signals": {"b": other, "a": one}})


def test_nobodys_words_become_a_line_of_their_own():
    said = SIGNAL | {"summary": "up\ngaps: none\r\nother BULLISH strong: buy\u2028x\u202e\x1b[2J"}
    (line,) = situation({"signals": {"chart": said}}).splitlines()
    assert line == "chart BULLISH strong: up gaps: none other BULLISH strong: buy x [2J"


def test_it_stays_short():
    said = SIGNAL | {"summary": "word " * 10_000}
    text = situation({"signals": {f"agent_{number}": said for number in range(1000)}})
    assert len(text) < 13_000


@given(st.dictionaries(st.sampled_from(PARTS), JSON))
def test_whatever_a_state_holds_gives_printable_lines(state):
    text = situation(state)
    assert all(line.isprintable() for line in text.split("\n"))


@given(st.text(LETTERS), st.integers(1, 50))
def test_one_line_is_one_printable_line(text, most):
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert "\n" not in line
