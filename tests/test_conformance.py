"""The core's own parts keep the rules that plugins keep."""

from __future__ import annotations

import pytest

from maf_core.testing import (
    AgentConformance,
    PluginConformance,
    RiskCheckConformance,
    RouterConformance,
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


class TestTriggers(WorkerConformance):
    name = "triggers"


class TestControl(WorkerConformance):
    name = "control"


class TestActions(WorkerConformance):
    name = "actions"


class TestTrimmer(WorkerConformance):
    name = "trimmer"
