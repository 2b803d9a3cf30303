"""An arena's YAML: each mistake is a sentence with file and key, and every key is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from maf_core import ArenaSpec
from maf_core.app import check_arena, load_arenas
from maf_core.arenas.config import ArenaConfig, load_arena
from maf_core.errors import ConfigError

VALID = """
name: panel
summary: What it decides
phases:
  - name: look
    pattern: parallel
    agents:
      - {name: technical, role: speaker, sources: [bars], options: {signal: BULLISH, confidence: 0.5}}
  - name: decide
    agents:
      - {name: verdict, role: synthesis}
sources:
  bars: {source: prices, config: {timeframe: 1d}, required: true}
triggers:
  - {id: moved, on_stream: "trtools2:bars:1d", when: "payload.c > 1", target: "{payload.symbol}"}
"""


@pytest.fixture
def file_with(tmp_path):
    def write(content: str, name: str = "panel.yaml") -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def plugins(load, speaker, source):
    async def nothing(query):
        raise AssertionError("nobody asks")

    return load(speaker, source("prices", nothing))


def changed(old: str, new: str) -> str:
    assert old in VALID
    return VALID.replace(old, new)


def test_an_arena_is_read_from_yaml(file_with):
    arena = load_arena(file_with(VALID))
    assert [phase.name for phase in arena.phases] == ["look", "decide"]
    assert arena.sources["bars"].required
    assert (arena.target_key, arena.action_mode, arena.max_iterations) == ("ticker", "auto", 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["dict"]),
        ("- a list", ["dict"]),
        ("name: panel", ["phases: field required"]),
        ("name: [unclosed", ["cannot be read"]),
        ("a: b: c", ["cannot be read"]),
        (changed("name: panel", "name: My Panel"), ["name: "]),
        (changed("summary:", "sumary:"), ["sumary: extra inputs are not permitted"]),
        (changed("pattern: parallel", "pattern: debate"), ["phases.0.pattern: ", "'parallel' or 'sequential'"]),
        (changed("role: synthesis", "rule: synthesis"), ["phases.1.agents.0.role: field required"]),
        (changed("sources: [bars]", "sources: [news]"), ["agent 'technical' reads 'news'", "(bars)"]),
        (changed("name: verdict", "name: technical"), ["agent name 'technical' is used twice"]),
        (changed("name: decide", "name: look"), ["phase name 'look' is used twice"]),
        (changed("when: \"payload.c > 1\"", "when: true"), ["triggers.0.when: "]),
        (changed("target: \"{payload.symbol}\"", "cooldown: 5"), ["triggers.0.target: ", "triggers.0.cooldown: "]),
        (VALID + "\nphases: []", ["phases: "]),
        (VALID + "\naction_mode: yolo", ["action_mode: "]),
        (VALID + "\nmax_iterations: 99", ["max_iterations: "]),
        (VALID + "\nlimits: {agent_timeout_s: 0}", ["limits.agent_timeout_s: "]),
        (VALID + "\nlimits: {max_phases: 0}", ["limits.max_phases: "]),
        (VALID + "\nsizing: {max_fraction: 2}", ["sizing.max_fraction: "]),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_file_and_key(file_with, content, words):
    path = file_with(content)
    with pytest.raises(ConfigError) as caught:
        load_arena(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert [word for word in words if word not in message] == [], message
    assert caught.value.exit_code == 2


def test_a_file_that_is_no_text_is_a_sentence(tmp_path):
    path = tmp_path / "panel.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match=r"panel\.yaml cannot be read"):
        load_arena(path)


@pytest.mark.parametrize("value", [".inf", ".nan"])
def test_a_cooldown_is_a_finite_number(file_with, value):
    with pytest.raises(ConfigError, match="cooldown_s"):
        load_arena(file_with(changed("id: moved,", f"id: moved, cooldown_s: {value},")))


def test_what_it_names_is_looked_up(plugins, file_with):
    check_arena(plugins, load_arena(file_with(VALID)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("role: synthesis", "role: synthesys", ["There is no agent 'synthesys'", "Did you mean 'synthesis'?"]),
        ("source: prices", "source: price", ["There is no source 'price'", "Did you mean 'prices'?"]),
        ("role: synthesis", "role: synthesis, options: {treshold: 1}", ["options of agent 'verdict'", "treshold"]),
        ("payload.c > 1", "payload.c >", ["trigger 'moved'", "is not an expression"]),
        ("{payload.symbol}", "{payload.symbol", ["trigger 'moved'", "brace"]),
        ("role: synthesis", "role: replan, options: {back_to: nowhere}", ["'verdict'", "nowhere", "look"]),
        ('target: "{payload.symbol}"', 'target: {symbol: "{payload.symbol}"}', ["trigger 'moved'", "'ticker'"]),
    ],
)
def test_what_does_not_fit_shows_before_the_first_run(plugins, file_with, old, new, words):
    with pytest.raises(ConfigError) as caught:
        check_arena(plugins, load_arena(file_with(changed(old, new))))
    message = str(caught.value)
    assert [word for word in ["arena 'panel'", *words] if word not in message] == [], message


def test_a_bindings_configuration_is_checked_before_the_first_run(load, speaker, source, file_with):
    spec = source("prices", lambda query: None)
    spec.factory.Config = type("Strict", (spec.factory.Config,), {"model_config": {"extra": "forbid"}})
    with pytest.raises(ConfigError, match="timeframe"):
        check_arena(load(speaker, spec), load_arena(file_with(VALID)))


def test_the_users_arena_wins_over_a_plugins(load, speaker, source, file_with, tmp_path):
    shipped = file_with(VALID, "shipped.yaml")
    plugins = load(
        speaker, source("prices", lambda query: None), ArenaSpec(name="panel", factory=lambda: shipped, summary="x")
    )
    assert load_arenas(plugins)["panel"].summary == "What it decides"
    (tmp_path / "arenas").mkdir()
    file_with(changed("What it decides", "My own"), "arenas/mine.yaml")
    assert load_arenas(plugins, tmp_path)["panel"].summary == "My own"


def test_a_folder_without_arenas_has_none(load, tmp_path):
    assert load_arenas(load(), tmp_path) == {}


def test_unknown_keys_are_refused_at_every_level():
    schema = ArenaConfig.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    assert len(parts) > 5
    assert [part["title"] for part in parts if part["additionalProperties"] is not False] == []
