"""An arena's YAML: each mistake is a sentence with file and key, and every key is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from maf_core import ArenaSpec
from maf_core.app import load_arenas
from maf_core.arenas.config import ArenaConfig, load_arena
from maf_core.checking import check_arena, load_checked
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


def complaints(read, *arguments) -> list[str]:
    """What is said about each mistake, after the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(*arguments)
    path = str(arguments[-1])
    assert caught.value.exit_code == 2
    return [line.removeprefix(path) for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", [": the file is empty; an arena has at least a name and phases."]),
        ("# nothing", [": the file is empty; an arena has at least a name and phases."]),
        ("- a list", [":1:1: this should be a mapping, as in `key: value`"]),
        ("just text", [":1:1: this should be a mapping, as in `key: value`"]),
        ("name: panel", [":1:1: phases: this key is missing"]),
        ("a: b: c", [":1:5: this is not YAML: mapping values are not allowed here"]),
        ("on: 5\nname: x", [":1:1: 1: a key is a word, and YAML reads this one as True", ":1:1: phases: this key is"]),
        (changed("name: panel", "name: My Panel"), [":2:7: name: "]),
        (changed("name: panel", "name: panel\nname: other"), [":3:1: the key 'name' is given twice, first in line 2"]),
        (changed("summary:", "sumary:"), [":3:1: sumary: there is no such key. Did you mean 'summary'?"]),
        (changed("summary:", "xyz:"), [":3:1: xyz: there is no such key. Known here: action_mode, "]),
        (changed("parallel", "paralel"), [":6:14: phases.0.pattern: input should be ", "Did you mean 'parallel'?"]),
        (
            changed("role: synthesis", "rule: synthesis"),
            [
                ":11:9: phases.1.agents.0.role: this key is missing",
                ":11:25: phases.1.agents.0.rule: there is no such key. Did you mean 'role'?",
            ],
        ),
        (
            changed("sources: [bars]", "sources: [bars, bar]"),
            [":8:58: agent 'technical' reads 'bar', which is not under sources (bars). Did you mean 'bars'?"],
        ),
        (changed("name: verdict", "name: technical"), [":11:16: agent name 'technical' is used twice"]),
        (changed("name: decide", "name: look"), [":9:11: phase name 'look' is used twice"]),
        (changed('when: "payload.c > 1"', "when: true"), [":15:54: triggers.0.when: input should be a valid string"]),
        (
            changed('"{payload.symbol}"', "5"),
            [":15:79: triggers.0.target: input should be a valid string or this should be a mapping"],
        ),
        (changed("config: {timeframe: 1d}, required: true", "required: perhaps"), [":13:36: sources.bars.required: "]),
        (VALID + "action_mode: yolo", [":16:14: action_mode: input should be 'auto', 'semi' or 'manual'"]),
        (VALID + "max_iterations: 99", [":16:17: max_iterations: input should be less than or equal to 10"]),
        (VALID + "limits: {agent_timeout_s: 0}", [":16:27: limits.agent_timeout_s: "]),
        (VALID + "limits: 30", [":16:9: limits: this should be a mapping, as in `key: value`"]),
        (VALID + "budget: {run: {token: 5}}", [":16:16: budget.run.token: there is no such key", "'tokens'?"]),
        (VALID + "budget: {sources: {bar: {calls: 1}}}", [":16:25: the budget has 'bar', which is not under sources"]),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_its_place(file_with, content, said):
    lines = complaints(load_arena, file_with(content))
    places = [part for part in said if part.startswith(":")]
    assert len(lines) == len(places), lines
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(place), line
    assert [part for part in said if part not in "\n".join(lines)] == []


def test_one_mistake_does_not_hide_the_next(plugins, file_with):
    """Of whatever kind they are: keys, values, names that do not fit, names nobody knows, expressions."""
    content = VALID
    for old, new in [
        ("summary:", "sumary:"),
        ("pattern: parallel", "pattern: paralel"),
        ("sources: [bars]", "sources: [bar]"),
        ("role: synthesis", "role: synthesys"),
        ("source: prices", "source: price"),
        ("payload.c > 1", "payload.c >"),
        ("{payload.symbol}", "{payload.symbol"),
    ]:
        assert old in content
        content = content.replace(old, new)
    lines = complaints(load_checked, plugins, file_with(content))
    assert [line.split(":", 3)[:3] for line in lines] == [
        ["", "3", "1"],
        ["", "6", "14"],
        ["", "8", "52"],
        ["", "11", "31"],
        ["", "13", "18"],
        ["", "15", "54"],
        ["", "15", "77"],
    ], lines


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
    ("old", "new", "said"),
    [
        ("role: synthesis", "role: synthesys", ":11:31: There is no agent 'synthesys'. Did you mean 'synthesis'?"),
        ("source: prices", "source: price", ":13:18: There is no source 'price'. Did you mean 'prices'?"),
        (
            "role: synthesis",
            "role: synthesis, options: {treshold: 1}",
            ":11:52: phases.1.agents.0.options.treshold: there is no such key. Did you mean 'threshold'?",
        ),
        (
            "role: synthesis",
            "role: synthesis, options: {threshold: 7}",
            ":11:63: phases.1.agents.0.options.threshold: input should be less than 1",
        ),
        (
            "payload.c > 1",
            "payload.c >",
            ":15:54: trigger 'moved' of arena 'panel': 'payload.c >' is not an expression",
        ),
        ("{payload.symbol}", "{payload.symbol", ":15:79: trigger 'moved' of arena 'panel': "),
        ('1", target:', '1", as_of: "{now(}", target:', ":15:78: trigger 'moved' of arena 'panel': "),
        (
            "role: synthesis",
            "role: replan, options: {back_to: nowhere}",
            ":11:58: agent 'verdict' goes back to 'nowhere'; the phases are look, decide",
        ),
        ("summary: What it decides", "memory: {backend: nowhere}", ":3:19: There is no memory backend 'nowhere'"),
        ('target: "{payload.symbol}"', 'target: {symbol: "{payload.symbol}"}', ":15:79: trigger 'moved'"),
    ],
)
def test_what_does_not_fit_shows_before_the_first_run(plugins, file_with, old, new, said):
    path = file_with(changed(old, new))
    (line,) = complaints(load_checked, plugins, path)
    assert said in line
    with pytest.raises(ConfigError) as caught:
        check_arena(plugins, load_arena(path))
    assert str(caught.value) == f"{path}{line}"


def test_an_arena_that_was_made_without_a_file_is_told_by_name(plugins):
    arena = ArenaConfig.model_validate(yaml.safe_load(changed("role: synthesis", "role: synthesys")))
    with pytest.raises(ConfigError, match=r"^arena 'panel': There is no agent 'synthesys'"):
        check_arena(plugins, arena)


def test_where_an_arena_was_read_is_no_part_of_it(file_with):
    assert load_arena(file_with(VALID)) == ArenaConfig.model_validate(yaml.safe_load(VALID))


def test_the_command_says_what_is_wrong_and_exits_2(maf, file_with):
    path = file_with("name: panel\nphases: []\nmodle: x\n")
    done = maf("arena", "validate", str(path))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"maf: {path}:2:9: phases: list should have at least 1 item after validation, not 0",
        f"{path}:3:1: modle: there is no such key. Did you mean 'model'?",
    ]


def test_a_bindings_configuration_is_checked_before_the_first_run(load, speaker, source, file_with):
    spec = source("prices", lambda query: None)
    spec.factory.Config = type("Strict", (spec.factory.Config,), {"model_config": {"extra": "forbid"}})
    with pytest.raises(ConfigError, match=r"panel\.yaml:13:35: sources\.bars\.config\.timeframe: there is no such key"):
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
