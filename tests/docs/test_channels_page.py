"""docs/channels.md: its example runs, its commands exist with these options, its tables name what is there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click
import pytest

from maf_core import publish
from maf_core.channels import Channel, Measured
from maf_core.cli.channels import cli
from maf_core.streams.redrive import Fate
from maf_core.streams.standing import GroupStanding

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
COMMANDS = re.findall(r"^    maf channels (.*)$", PAGE, re.MULTILINE)


async def test_the_example_tells_the_keys(redis):
    scope: dict = {}
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, scope)
    await publish(redis, "mine", {"symbol": "AAPL", "close": 1.5})
    assert await scope["keys_of"](redis, "mine") == {"symbol": ("string",), "close": ("number",)}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_has_the_options_that_stand_there(line):
    words, command = iter(line.split()), cli
    while isinstance(command, click.Group):
        command = command.commands[next(words)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", line)) <= known


def test_every_command_is_there():
    said = {tuple(word for word in line.split() if re.fullmatch("[a-z]+", word))[:2] for line in COMMANDS}
    assert said == {("list",), ("preview",), ("schema",), ("dead", "list"), ("dead", "show"), ("dead", "redrive")}


def test_every_key_and_every_fate_is_in_the_tables():
    keys = {field.name for kind in (Channel, Measured, GroupStanding) for field in fields(kind)} - {"channel"}
    assert [name for name in [*keys, *get_args(Fate)] if f"`{name}`" not in PAGE] == []
