"""The forecast, strategy and news specialists."""

from __future__ import annotations

from typing import Any

import pytest

from maf_core import Abstention, Agent, SourceResult
from maf_core.agents.lexicon import lexicon
from maf_core.arenas.config import AgentConfig
from maf_plugin_trading_intelligence.specialists.forecast import ForecastSpecialist
from maf_plugin_trading_intelligence.specialists.news import NewsSpecialist
from maf_plugin_trading_intelligence.specialists.strategy import StrategySpecialist


def judge(kind: type[Agent], data: Any, *, gaps: tuple[str, ...] = (), **options: Any) -> Any:
    specialist: Any = kind(AgentConfig(name="it", role="it", sources=["its"], options=options))
    return specialist.routine({"its": SourceResult(data, gaps=gaps)}, {})


def forecast(prob_up: Any, **more: Any) -> dict[str, Any]:
    return {"prob_up": prob_up, "horizon": 5, "backend": "bootstrap", "expected_return": 0.012, **more}


@pytest.mark.parametrize(
    ("prob_up", "signal", "confidence"),
    [
        (0.6, "BULLISH", 0.6),
        (0.4, "BEARISH", 0.6),
        (1.0, "BULLISH", 1.0),
        (0.0, "BEARISH", 1.0),
        (0.5, "NEUTRAL", 1.0),
        (0.51, "NEUTRAL", 0.5),
        (0.53, "BULLISH", 0.18),
    ],
)
def test_the_forecast_leans_as_its_probability(prob_up: float, signal: str, confidence: float) -> None:
    found = judge(ForecastSpecialist, forecast(prob_up))
    assert found.signal == signal
    assert found.confidence == pytest.approx(confidence)


def test_a_stale_forecast_counts_half() -> None:
    fresh = judge(ForecastSpecialist, forecast(0.6))
    stale = judge(ForecastSpecialist, forecast(0.6, as_of="2013-02-20"), gaps=("stale_kronos_forecast",))
    assert stale.confidence == fresh.confidence / 2
    assert stale.key_factors[-1] == "stale, as of 2013-02-20: confidence halved"


def test_the_forecast_names_its_backend() -> None:
    factors = judge(ForecastSpecialist, forecast(0.6, calibrated=False)).key_factors
    assert factors == ["P(up) 0.600 over 5 bars", "expected return +1.20%", "backend bootstrap", "not calibrated"]


def test_without_a_forecast_it_abstains() -> None:
    assert judge(ForecastSpecialist, None, gaps=("no_kronos_forecast",)) == Abstention(reason="no forecast")


@pytest.mark.parametrize("prob_up", [None, "high", float("nan"), 1.2])
def test_no_probability_is_no_opinion(prob_up: Any) -> None:
    found = judge(ForecastSpecialist, forecast(prob_up))
    assert isinstance(found, Abstention)
    assert "not a probability" in found.reason


def event(strategy: str, signal: str, confidence: float | None = None) -> dict[str, Any]:
    return {"strategy": strategy, "signal": signal, "confidence": confidence}


def test_strategies_decide_by_majority() -> None:
    found = judge(StrategySpecialist, [event("a", "BUY"), event("b", "LONG"), event("c", "SELL")])
    assert found.signal == "BULLISH"
    assert found.confidence == pytest.approx(1 / 3)
    assert found.key_factors == ["a: BUY", "b: LONG", "c: SELL"]


def test_only_the_newest_event_of_a_strategy_counts() -> None:
    assert judge(StrategySpecialist, [event("a", "BUY"), event("a", "BUY"), event("a", "SELL")]).signal == "BEARISH"


def test_a_stated_confidence_weighs() -> None:
    found = judge(StrategySpecialist, [event("a", "BUY", 0.9), event("b", "SHORT", 0.3)])
    assert found.signal == "BULLISH"
    assert found.confidence == pytest.approx(0.3)


def test_strategies_that_disagree_are_neutral() -> None:
    found = judge(StrategySpecialist, [event("a", "BUY"), event("b", "SELL"), event("c", "HOLD")])
    assert (found.signal, found.confidence) == ("NEUTRAL", 1.0)


@pytest.mark.parametrize("events", [None, []])
def test_without_events_the_strategy_abstains(events: Any) -> None:
    assert judge(StrategySpecialist, events) == Abstention(reason="no strategy events")


def news(*headlines: str) -> list[dict[str, Any]]:
    return [{"headline": headline, "summary": ""} for headline in headlines]


def test_good_words_are_bullish_and_bad_ones_bearish() -> None:
    good = judge(NewsSpecialist, news("IBM beats estimates, raises outlook", "Record growth: shares SURGE"))
    bad = judge(NewsSpecialist, news("IBM misses estimates and warns", "Fraud probe: shares plunge"))
    assert (good.signal, bad.signal) == ("BULLISH", "BEARISH")
    assert good.key_factors == ["good: beats ×1, growth ×1, raises ×1, record ×1", "bad: none", "2 items"]


def test_the_summary_counts_too() -> None:
    found = judge(NewsSpecialist, [{"headline": "IBM reports", "summary": "Profit fell."}])
    assert found.signal == "BEARISH"


def test_few_words_are_less_sure_than_many() -> None:
    one = judge(NewsSpecialist, news("Shares surge"))
    six = judge(NewsSpecialist, news(*["Shares surge"] * 6))
    assert one.confidence == pytest.approx(1 / 6)
    assert six.confidence == 1.0


def test_as_many_good_as_bad_words_are_neutral() -> None:
    assert judge(NewsSpecialist, news("Shares rise, then fall")).signal == "NEUTRAL"


def test_a_word_within_another_does_not_count() -> None:
    found = judge(NewsSpecialist, news("Winchester and Lossiemouth meet"))
    assert isinstance(found, Abstention)


def test_without_news_or_known_words_it_abstains() -> None:
    assert judge(NewsSpecialist, None) == Abstention(reason="no news")
    found = judge(NewsSpecialist, news("IBM holds a meeting", "Another one"))
    assert found == Abstention(reason="none of 2 news items has a word of the lexicon")


def test_no_word_of_the_lexicon_is_both_good_and_bad() -> None:
    words = lexicon()
    assert not words.good & words.bad
    assert all(word == word.lower() for word in words.good | words.bad)
    assert all(lexicon().hits(word)[0].total() == 1 for word in words.good)
    assert all(lexicon().hits(word)[1].total() == 1 for word in words.bad)
