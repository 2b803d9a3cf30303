"""The core's own parts keep the rules that plugins keep."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maf_core import SourceResult
from maf_core.testing import (
    AgentConformance,
    PluginConformance,
    RiskCheckConformance,
    RouterConformance,
    SpecialistConformance,
    WorkerConformance,
)


class TestCore(PluginConformance):
    name = "core"


class TestSynthesis(AgentConformance):
    name = "synthesis"

    @pytest.fixture
    def state(self):
        spoken = {"agent": "a", "domain": "", "signal": "BULLISH", "confidence": 0.8, "summary": "up"}
        return {"signals": {"a": spoken, "b": None}, "abstentions": {"b": "no data"}}


class TestJudge(AgentConformance):
    name = "judge"


class TestDebater(AgentConformance):
    name = "debater"

    @pytest.fixture
    def state(self):
        spoken = {"agent": "a", "domain": "", "signal": "BULLISH", "confidence": 0.8, "summary": "up"}
        return {"target": {"ticker": "AAPL"}, "signals": {"a": spoken}}


class TestAnalyst(SpecialistConformance):
    name = "analyst"

    @pytest.fixture
    def options(self):
        return {"instructions": "Judge the reports."}

    @pytest.fixture
    def answers(self):
        return {"reports": SourceResult([{"title": "Shortage of chips"}], datetime(2024, 1, 2, tzinfo=UTC))}

    @pytest.fixture
    def says(self):
        return {"signal": "BEARISH", "confidence": 0.7, "summary": "No chips."}


class TestReplan(AgentConformance):
    name = "replan"

    @pytest.fixture
    def options(self):
        return {"back_to": "look"}


class TestActionRouter(RouterConformance):
    name = "actions"


class TestDecisionRouter(RouterConformance):
    name = "decisions"


class TestModeCheck(RiskCheckConformance):
    name = "mode"


class TestMaxSizeCheck(RiskCheckConformance):
    name = "max_size"


class TestMinConfidenceCheck(RiskCheckConformance):
    name = "min_confidence"


class TestFreshInputsCheck(RiskCheckConformance):
    name = "fresh_inputs"


class TestDuplicateCheck(RiskCheckConformance):
    name = "duplicate"


class TestTradingStateCheck(RiskCheckConformance):
    name = "trading_state"


class TestMaxAgeCheck(RiskCheckConformance):
    name = "max_age"


class TestTickerExposureCheck(RiskCheckConformance):
    name = "ticker_exposure"


class TestTotalExposureCheck(RiskCheckConformance):
    name = "total_exposure"


class TestActionsPerHourCheck(RiskCheckConformance):
    name = "actions_per_hour"


class TestLossLimitCheck(RiskCheckConformance):
    name = "loss_limit"


class TestPriceSanityCheck(RiskCheckConformance):
    name = "price_sanity"


class TestMarketHoursCheck(RiskCheckConformance):
    name = "market_hours"


class TestTriggers(WorkerConformance):
    name = "triggers"


class TestControl(WorkerConformance):
    name = "control"


class TestActions(WorkerConformance):
    name = "actions"


class TestApprovals(WorkerConformance):
    name = "approvals"


class TestPositions(WorkerConformance):
    name = "positions"


class TestTrimmer(WorkerConformance):
    name = "trimmer"
