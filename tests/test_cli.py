"""What a person sees at the command line: help, sentences, exit codes."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

GOOD_PLUGIN = str(Path(__file__).parent / "plugins" / "data" / "good")
ARENA = """
name: panel
summary: What it decides
action_mode: semi
phases:
  - {name: decide, agents: [{name: verdict, role: synthesis}]}
"""


@pytest.fixture(scope="module")
def only_core(maf):
    """Run `maf` with no plugin but the core."""

    def run(*arguments: str, **environment: str):
        return maf(*arguments, **{"MAF_PLUGINS": "", **environment})

    return run


def sentence(done) -> str:
    """What an error said: one line, no traceback."""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("maf: ") or "Error: " in done.stderr
    return done.stderr


def test_help_lists_the_commands_and_where_to_begin(only_core):
    done = only_core("--help")
    assert done.returncode == 0
    for word in ("arena", "demo", "plugins", "service", "watch", "Try it: maf demo"):
        assert word in done.stdout


def test_nothing_asked_is_help(only_core):
    assert "Try it: maf demo" in (done := only_core()).stdout + done.stderr


def test_the_version(only_core):
    done = only_core("--version")
    assert (done.returncode, done.stdout) == (0, f"maf {version('maf')}\n")


def test_an_unknown_command_says_which_ones_there_are_and_where_others_come_from(only_core):
    done = only_core("pluggins")
    assert done.returncode == 2
    assert "There is no command 'pluggins'; there are " in sentence(done)
    assert "arena, channels, dashboard, demo, " in done.stderr
    assert "maf plugins list" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("plugins", "list", "--jsn"), ("watch", "add"), ("arena", "validate", "nowhere.yaml")]
)
def test_a_wrong_option_or_argument_is_a_usage_error(only_core, arguments):
    done = only_core(*arguments)
    assert done.returncode == 2
    assert "Error: " in sentence(done)


def test_a_broken_plugin_does_not_break_the_command_line(maf):
    folder = Path(GOOD_PLUGIN).with_name("exits")
    assert maf("--help", PYTHONPATH=str(folder), MAF_PLUGINS="exits").returncode == 0


def test_arenas_are_listed(only_core, tmp_path):
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "panel.yaml").write_text(ARENA)
    done = only_core("arena", "list", "--config", str(tmp_path))
    assert done.returncode == 0
    assert "panel  target: ticker  mode: semi  What it decides" in done.stdout


def test_a_valid_arena_is_said_to_be(only_core, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(ARENA)
    done = only_core("arena", "validate", str(path))
    assert (done.returncode, done.stdout) == (0, f"{path}: arena 'panel' is valid.\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ARENA.replace("semi", "sometimes"), "action_mode: "),
        (ARENA.replace("synthesis", "synthesys"), "Did you mean 'synthesis'?"),
        ("a: b: c", "this is not YAML"),
    ],
)
def test_a_wrong_arena_is_a_sentence_and_exit_2(only_core, tmp_path, content, words):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    done = only_core("arena", "validate", str(path))
    assert done.returncode == 2
    assert words in sentence(done)


def test_running_an_arena_that_is_not_there_names_those_that_are(only_core):
    done = only_core("arena", "run", "panel", "--target", "AAPL")
    assert done.returncode == 2
    assert "There is no arena 'panel'; there are none." in sentence(done)


def test_symbols_are_watched_listed_and_removed(maf, redis_url):
    assert maf("watch", "add", "WAT1", "WAT2", "--days", "2", "--redis", redis_url).returncode == 0
    assert maf("watch", "remove", "WAT1", "WAT9", "--redis", redis_url).stderr == "WAT9 was not watched.\n"
    listed = maf("watch", "list", REDIS_URL=redis_url).stdout
    assert "symbol  WAT2  until " in listed
    assert "WAT1" not in listed


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("redis://127.0.0.1:1/0", 1, "No Redis answers at redis://127.0.0.1:1/0"),
        ("redis://me:secret@127.0.0.1:1/0", 1, "redis://me:***@127.0.0.1:1/0"),
        ("http://localhost", 2, "is no Redis address"),
        ("redis://localhost:port/0", 2, "is no Redis address"),
    ],
)
def test_no_server_is_a_sentence_that_keeps_the_password(maf, url, code, words):
    done = maf("watch", "list", "--redis", url)
    assert words in sentence(done)
    assert "secret" not in done.stderr
    assert done.returncode == code
