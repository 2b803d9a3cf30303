"""What docs/triggers.md says of the language is so: its tables, its samples, and what it shows of a terminal."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from maf_core.arenas.config import TriggerConfig
from maf_core.plane.language.functions import FUNCTIONS, MAX_DIGITS, MAX_TEXT
from maf_core.plane.language.grammar import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from maf_core.plane.triggers import uncompiled
from maf_core.plane.trying import Says, trial

PAGE = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text()
ASKED = re.findall(r"^\| `(.+)` \| (true|not true|does not apply)(?:: (.+))? \|$", PAGE, re.MULTILINE)


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_there_are_examples():
    assert {says for _, says, _ in ASKED} == set(Says)


@pytest.mark.parametrize(("expression", "says", "why"), ASKED)
def test_an_example_is_what_the_table_says(expression, says, why):
    tried = trial(expression)(json.loads(block("json")))
    assert (tried.says, tried.why) == (says, why)


def test_the_trigger_at_the_top_is_one():
    (rule,) = yaml.safe_load(block("text"))["triggers"]
    assert list(uncompiled(TriggerConfig.model_validate(rule))) == []


def test_every_function_is_there_and_no_other():
    cells = re.findall(r"^\| (`\w+\(.*?`) \|", PAGE, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)\(", cell)} == set(FUNCTIONS)


def test_every_key_of_a_trigger_is_there():
    assert [
        name for name in TriggerConfig.model_fields if name not in ("id", "action_mode") and f"`{name}:`" not in PAGE
    ] == []


def test_the_bounds_are_those_of_the_code():
    for words in (f"| {MAX_LENGTH:,} |", f"| {MAX_NODES}, {MAX_DEPTH} |", f"| {MAX_TEXT:,} characters |"):
        assert words in PAGE
    assert f"at most {MAX_DIGITS} digits" in PAGE


def test_the_terminal_shows_that(maf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, listing, *runs = re.split(r"^\$ ", block("console"), flags=re.MULTILINE)
    command, content = listing.split("\n", 1)
    Path(command.split()[1]).write_text(content)
    assert len(runs) == 2
    for shown in runs:
        command, output = shown.split("\n", 1)
        done = maf(*shlex.split(command)[1:])
        assert done.stdout + done.stderr == output
