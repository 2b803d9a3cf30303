"""The rules that an installed plugin can be held against without anything from its author, and without pytest."""

from __future__ import annotations

from maf_core.testing.static.findings import Fault, Finding, Rule
from maf_core.testing.static.loading_rules import LOADING_RULES
from maf_core.testing.static.offer_rules import OFFER_RULES
from maf_core.testing.static.record_rules import RECORD_RULES
from maf_core.testing.static.subject import Subject

RULES: list[Rule] = [*LOADING_RULES, *RECORD_RULES, *OFFER_RULES]

__all__ = ["RULES", "Fault", "Finding", "Rule", "Subject", "examine"]


def examine(subject: Subject) -> list[Finding]:
    """Hold a plugin against every rule, in order."""
    return [Finding.of(rule, subject) for rule in RULES]
