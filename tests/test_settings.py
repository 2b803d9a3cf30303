"""Settings: which layer wins, and what a mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from maf_core import PluginSettings
from maf_core.errors import ConfigError
from maf_core.settings import Settings, load_settings


class MineSettings(PluginSettings):
    """A plugin's settings."""

    model_config = SettingsConfigDict(env_prefix="MAF_MINE_", extra="forbid", frozen=True)

    url: str = "http://localhost"
    retries: int = 3


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith(("MAF_", "REDIS_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder_with(tmp_path):
    def write(content: str) -> Path:
        (tmp_path / "maf.yaml").write_text(content)
        return tmp_path

    return write


def test_without_anything_set_there_are_defaults(tmp_path):
    assert load_settings().redis_url == load_settings(tmp_path).redis_url == "redis://localhost:6379/0"


def test_each_layer_wins_over_the_one_below(folder_with, monkeypatch):
    folder = folder_with("redis_url: redis://file\nlease_s: 7\n")
    assert load_settings(folder).redis_url == "redis://file"
    monkeypatch.setenv("REDIS_URL", "redis://environment")
    assert load_settings(folder).redis_url == "redis://environment"
    monkeypatch.setenv("MAF_REDIS_URL", "redis://ours")
    assert load_settings(folder).redis_url == "redis://ours"
    assert load_settings(folder, redis_url="redis://option", data_dir=None).redis_url == "redis://option"
    assert load_settings(folder, redis_url="redis://option").lease_s == 7


def test_the_environment_wins_for_plain_values_too(folder_with, monkeypatch):
    monkeypatch.setenv("MAF_DRAIN_S", "3.5")
    monkeypatch.setenv("MAF_RISK", '{"max_size_fraction": 0.1}')
    settings = load_settings(folder_with("drain_s: 9\nrisk: {min_confidence: 0.4}\n"))
    assert settings.drain_s == 3.5
    assert (settings.risk.max_size_fraction, settings.risk.min_confidence) == (0.1, 0.4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("lese_s: 5", ["maf.yaml:1:1: lese_s: there is no such key", "Did you mean 'lease_s'?"]),
        ("lease_s: soon\ndrain_s: -1", ["maf.yaml:1:10: lease_s: ", "maf.yaml:2:10: drain_s: "]),
        ("risk: {max_size_fraction: 3}", ["risk.max_size_fraction: "]),
        ("risk: {max_size: 3}", ["maf.yaml:1:8: risk.max_size: there is no such key", "'max_size_fraction'?"]),
        ("plugins: [a]", ["plugins: "]),
        ("plugins: {mine: 5}", ["plugins.mine: "]),
        ("- a list", ["maf.yaml:1:1: settings are a mapping"]),
        ("just text", ["maf.yaml:1:1: settings are a mapping"]),
        ("a: [unclosed", ["maf.yaml:1:13: this is not YAML"]),
        ("1: 2", ["maf.yaml:1:1: settings are a mapping"]),
        ("lease_s: 5\nlease_s: 6", ["maf.yaml:2:1: the key 'lease_s' is given twice"]),
    ],
)
def test_a_mistake_in_the_file_is_a_sentence_with_file_and_key(folder_with, content, words):
    with pytest.raises(ConfigError) as caught:
        load_settings(folder_with(content))
    assert [word for word in words if word not in str(caught.value)] == [], caught.value


def test_a_file_that_is_no_text_is_a_sentence(tmp_path):
    (tmp_path / "maf.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"maf\.yaml cannot be read"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"), [("MAF_DRAIN_S", "soon", "drain_s"), ("MAF_RISK", "not json", "risk")]
)
def test_a_mistake_in_the_environment_is_a_sentence_with_the_key(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words):
        load_settings()


@pytest.mark.parametrize("name", ["PLUGINS", "plugins", "RISK", "MAF_PLUGINS", "MAF_DISABLE_PLUGINS"])
def test_variables_that_mean_something_else_are_no_settings(monkeypatch, name):
    monkeypatch.setenv(name, "git docker")
    assert load_settings() == Settings()


def test_a_mistake_in_the_environment_is_not_blamed_on_the_file(folder_with, monkeypatch):
    folder = folder_with("lease_s: soon\ndrain_s: 5\n")
    monkeypatch.setenv("MAF_DRAIN_S", "later")
    with pytest.raises(ConfigError) as caught:
        load_settings(folder)
    of_the_file, of_the_environment = str(caught.value).splitlines()
    assert of_the_file.startswith(f"{folder}/maf.yaml:1:10: lease_s: ")
    assert of_the_environment.startswith("The environment is not valid: drain_s: ")


def test_an_empty_file_sets_nothing(folder_with):
    assert load_settings(folder_with("# nothing yet\n")) == Settings()


def test_a_plugin_reads_its_own_section(folder_with, monkeypatch):
    settings = load_settings(folder_with("plugins: {mine: {url: http://file, retries: 5}}"))
    monkeypatch.setenv("MAF_MINE_URL", "http://environment")
    section = settings.section("mine", MineSettings)
    assert (section.url, section.retries) == ("http://environment", 5)
    assert settings.section("other", MineSettings).retries == 3


@pytest.mark.parametrize("content", ["retires: 5", "retries: many"])
def test_a_mistake_in_a_plugins_section_names_the_section_and_the_key(folder_with, content):
    settings = load_settings(folder_with(f"plugins: {{mine: {{{content}}}}}"))
    with pytest.raises(ConfigError, match=rf"maf\.yaml:1:\d+: plugins\.mine\.{content.partition(':')[0]}: "):
        settings.section("mine", MineSettings)


def test_settings_do_not_change_under_anybodys_hands():
    with pytest.raises(ValueError, match="frozen"):
        Settings().drain_s = 1.0
