"""docs/llm.md: its settings load, its commands run, and it names everything that can be set."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from maf_core.cli import root
from maf_core.llm.profiles import PROFILES, TIERS, profile_of
from maf_core.settings import ProviderSettings, RankingsSettings, load_settings
from maf_core.testing.ollama import OllamaServer

PAGE = (Path(__file__).parents[2] / "docs" / "llm.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("maf llm ")]


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if block.startswith("llm:")])
def test_settings_of_the_page_load(block, tmp_path):
    (tmp_path / "maf.yaml").write_text(block)
    assert load_settings(tmp_path).llm.model_fields_set >= set(yaml.safe_load(block)["llm"])


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(command, monkeypatch, tmp_path, capsys):
    with OllamaServer(models=["gpt-oss:20b"]) as ollama:
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        monkeypatch.setenv("MAF_DATA_DIR", str(tmp_path))
        monkeypatch.setattr("sys.argv", shlex.split(command))
        with pytest.raises(SystemExit) as caught:
            root.run()
    without_keys = "rankings" in command
    assert caught.value.code == (1 if without_keys else 0), capsys.readouterr().err


def test_the_page_shows_every_command():
    from maf_core.cli.llm import cli

    assert {command.split()[2] for command in COMMANDS} == set(cli.commands)


@pytest.mark.parametrize("model", [ProviderSettings, RankingsSettings])
def test_every_setting_is_named(model):
    assert [name for name in model.model_fields if f"`{name}`" not in PAGE] == []


def test_the_table_of_profiles_is_what_they_are():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if re.match(r"\| `\w+`.* \| [\w.:-]+ \| (quick|deep) \|", line)
    ]
    shown = {
        name: (first, tier, benchmark)
        for names, first, tier, benchmark in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    own = {name: profile for name, profile in PROFILES.items() if profile is not TIERS.get(name)}
    assert shown == {
        name: (profile_of(name, {}).models[0], profile.tier, profile.dimension) for name, profile in own.items()
    }


async def test_the_example_of_the_stand_in_works(ollama):
    [example] = [block for block in blocks("python") if "maf_core.testing.ollama" in block]
    namespace: dict = {}
    exec(example, namespace)
    await namespace["test_a_busy_server_is_asked_again"](ollama)
