"""What a plugin author imports, what that costs, and what the hook documentation promises."""

from __future__ import annotations

import ast
import inspect
import os
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import FunctionType

import pytest

import maf_core
from maf_core import hookspecs
from maf_core.plugins.readers import HOOKS
from maf_core.records import Record

SPECIFIED = {name: value for name, value in vars(hookspecs).items() if name.startswith("maf_")}
HEAVY = {"redis", "pydantic", "numpy", "httpx", "fastapi", "yaml", "click", "structlog"}


def python(code: str, *options: str, path: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(path)} if path else None
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def example_of(hook: FunctionType) -> str:
    _, _, example = inspect.getdoc(hook).partition("Example:\n")
    return textwrap.dedent(example)


def test_every_specified_hook_is_read_and_every_read_hook_is_specified():
    assert set(SPECIFIED) == set(HOOKS)


@pytest.mark.parametrize("name", SPECIFIED)
def test_the_example_in_a_hooks_documentation_works(name):
    scope = {"__file__": __file__}
    exec(compile(example_of(SPECIFIED[name]), name, "exec"), scope)
    records = list(scope[name]())
    assert records
    assert {type(record) for record in records} == {HOOKS[name]}
    assert scope[name].maf_impl


def test_every_public_name_resolves_and_is_documented():
    for name in maf_core.__all__:
        assert inspect.getdoc(getattr(maf_core, name)), name


def test_the_public_names_are_those_that_load_lazily():
    homes = next(
        node
        for node in ast.parse(Path(maf_core.__file__).read_text()).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOMES"
    )
    assert sorted(ast.literal_eval(homes.value)) == sorted(maf_core.__all__) == dir(maf_core)


def test_every_record_class_is_public():
    kinds = {kind.__name__ for kind in HOOKS.values()}
    assert kinds <= set(maf_core.__all__)
    assert all(issubclass(kind, Record) for kind in HOOKS.values())


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        _ = maf_core.Oracle


def test_importing_the_core_and_a_plugin_module_loads_nothing_heavy():
    code = f"import maf_core, maf_t_good, sys; print(sorted({HEAVY} & set(sys.modules)))"
    assert python(code, path=Path(__file__).parent / "data" / "good").strip() == "[]"


def test_every_module_can_be_imported_without_a_warning():
    names = [module.name for module in pkgutil.walk_packages(maf_core.__path__, "maf_core.")]
    wanted = [name for name in names if name != "maf_core.__main__"]
    assert len(wanted) > 40
    python(f"import importlib\nfor name in {wanted}: importlib.import_module(name)", "-W", "error")
