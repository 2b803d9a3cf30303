"""The rules for a plugin as a whole: those of `maf plugins check`."""

from __future__ import annotations

from typing import ClassVar

import pytest

from maf_core.plugins import Selection
from maf_core.testing.static import RULES, Finding, Rule, Subject


class PluginConformance:
    """Rules for the plugin as a whole, the same that `maf plugins check NAME` goes through.

    Must: `name`, that of the entry point. May: `selection`. Never: `subject`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def selection(self) -> Selection:
        """May: which plugins to load, and from which folder; by default all that are installed."""
        return Selection()

    @pytest.fixture
    def subject(self, selection: Selection) -> Subject:
        """Never: the plugin as installed."""
        return Subject.find(self.name, selection)

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
    def test_rule(self, rule: Rule, subject: Subject) -> None:
        """Keep the rule."""
        finding = Finding.of(rule, subject)
        if finding.faults:
            faults = "\n".join(f"  {fault.what}. {fault.fix}" for fault in finding.faults)
            pytest.fail(f"{finding.rule.id} {finding.rule.text}\n{faults}", pytrace=False)
