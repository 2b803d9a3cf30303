"""The page of rules is what the classes say."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import maf_core.testing
from maf_core.testing.conformance.reference import CLASSES, reference, rules_of

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_ends_with_the_reference():
    page = (DOCS / "plugins" / "conformance.md").read_text()
    assert page.partition("## The rules\n\n")[2] == reference()


def test_the_page_is_linked():
    assert "](conformance.md)" in (DOCS / "plugins" / "index.md").read_text()


def test_every_class_is_in_it():
    shown = {kind.__name__ for kind in CLASSES}
    public = {name for name in maf_core.testing.__all__ if name.endswith("Conformance")}
    assert public <= shown


def test_numbers_are_unique_and_without_holes():
    ids = [rule.id for kind in CLASSES for rule in rules_of(kind)]
    assert [number for number, count in Counter(ids).items() if count > 1] == []
    for letter in {number[4] for number in ids}:
        numbers = sorted(int(number[5:]) for number in ids if number[4] == letter)
        assert numbers == list(range(1, len(numbers) + 1)), letter


def test_every_rule_is_a_sentence_with_a_reason():
    rules = [rule for kind in CLASSES for rule in rules_of(kind)]
    assert len(rules) > 45
    assert [rule.id for rule in rules if not (rule.text.endswith(".") and rule.reason.endswith("."))] == []


def test_pytest_is_imported_for_the_classes_only():
    code = "import sys, maf_core.testing, maf_core.testing.static; print('pytest' in sys.modules)"
    code += "; maf_core.testing.SourceConformance; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
