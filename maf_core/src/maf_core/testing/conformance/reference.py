"""The reference of all rules, made from their docstrings: `python -m maf_core.testing.conformance.reference`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from typing import Any

from maf_core.testing import conformance
from maf_core.testing.conformance.plugin import PluginConformance
from maf_core.testing.conformance.publishing import PublishingConformance
from maf_core.testing.static import RULES
from maf_core.testing.static.findings import RuleText

# In the order in which an author meets them; the rules of a base class come with it.
CLASSES: list[type[Any]] = [
    conformance.PluginConformance,
    conformance.SourceConformance,
    conformance.FreshnessConformance,
    conformance.AgentConformance,
    conformance.SpecialistConformance,
    conformance.ArenaConformance,
    conformance.WorkerConformance,
    conformance.RefresherConformance,
    PublishingConformance,
    conformance.RouterConformance,
    conformance.PublisherConformance,
    conformance.RiskCheckConformance,
    conformance.MemoryBackendConformance,
]


def rules_of(kind: type[Any]) -> list[RuleText]:
    """The rules that a conformance class adds to those of its bases, by number."""
    if kind is PluginConformance:
        documented: Iterable[Any] = RULES
    else:
        documented = [value for name, value in vars(kind).items() if name.startswith("test_")]
    return sorted((RuleText.of(item) for item in documented), key=lambda rule: rule.id)


def reference() -> str:
    """All classes with what to override, and their rules, as Markdown."""
    return "\n".join(_section(kind) for kind in CLASSES)


def _section(kind: type[Any]) -> str:
    rules = rules_of(kind)
    table = [f"| {rule.id} | {rule.text} | {rule.reason} |" for rule in rules]
    heading = ["| rule | | why |", "| --- | --- | --- |"] if rules else []
    return "\n".join(
        [f"### {kind.__name__}", "", inspect.getdoc(kind) or "", "", *heading, *table, *[""] * bool(rules)]
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
