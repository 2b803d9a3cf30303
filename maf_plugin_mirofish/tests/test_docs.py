"""docs/mirofish.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic_core import from_json

from maf_core.plugins import PluginManager, Selection
from maf_core.sources.catalog import configured
from maf_core.testing import wait_until
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.opinions import opinion_in
from maf_plugin_mirofish.store import HEARTBEAT

PAGE = (Path(__file__).parents[2] / "docs" / "mirofish.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def table(section: str) -> list[list[str]]:
    """The cells of the rows of a section's table."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in row.strip("|").split(" | ")] for row in re.findall(r"^\|.*`.*\|$", text, re.MULTILINE)
    ]


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)


def test_every_setting_and_its_default():
    shown = {}
    for name, default, *_ in table("Settings"):
        values = default.split(", ") if len(names(name)) > 1 else [default]
        shown |= dict(zip(names(name), [value.strip("`") for value in values], strict=True))
    plain = {"none": None, '["agents", "report"]': ("agents", "report"), "fomo2:reports": "fomo2:reports"}
    defaults = {name: field.default for name, field in MiroFishSettings.model_fields.items()}
    assert {name: plain.get(value) if value in plain else float(value) for name, value in shown.items()} == defaults


async def test_every_field_of_an_outcome(simulating, put, outcome, mirofish):
    documented = {name for row in table("The outcome") for name in names(row[0])}
    async with simulating():
        await put("r1")
        found = set(await outcome("r1"))
        mirofish.trouble("no_entities")
        await put("r2")
        found |= set(await outcome("r2"))
    assert documented == found


async def test_every_field_of_the_heartbeat(simulating, redis):
    shown = re.search(r"mirofish:heartbeat` \{(.*?)\}", PAGE, re.DOTALL)[1]
    async with simulating():
        beat = from_json(await wait_until(lambda: redis.get(HEARTBEAT)))
    assert set(shown.replace("\n", " ").split(", ")) == set(beat)


def test_the_line_that_counts_as_an_answer():
    assert opinion_in(block("json"), 24).prob_up == pytest.approx(0.3)


def test_the_binding():
    (binding,) = yaml.safe_load(block("yaml"))["sources"].values()
    _, config = configured(PluginManager.load(Selection(only=("mirofish",))), binding["source"], binding["config"])
    assert config.max_age_hours == 24
