"""YAML is read as PyYAML reads it, with the place of every part, and what is wrong in it is said with its place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.errors import ConfigError
from maf_core.yaml_lines import inside, read_document

WORDS = st.text(alphabet="abcdefghij_", min_size=1, max_size=6)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def file_with(tmp_path):
    def write(content: str) -> Path:
        path = tmp_path / "x.yaml"
        path.write_text(content, encoding="utf-8")
        return path

    return write


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(data=st.dictionaries(WORDS, DATA, min_size=1, max_size=4), flow=st.booleans())
def test_data_is_what_was_written_and_every_key_stands_where_it_says(file_with, data, flow):
    written = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    document = read_document(file_with(written))
    assert document.data == yaml.safe_load(written)
    lines = written.split("\n")
    for at, (line, column) in document.keys.items():
        word = lines[line - 1][column - 1 :].lstrip("'\"?! ")
        assert word.startswith(str(at[-1])), (at, lines[line - 1])
        assert document.place((*at, "beyond")) == document.values[at]
        inside(data, at)


ALIASES = """
defaults: &defaults {a: 1, b: 2}
more: &more
  <<: *defaults
  b: 3
one: *defaults
two:
  <<: [*more, {c: 9}]
  a: 7
list: [*defaults, &x [1, 2], *x]
"""


def test_anchors_and_merges_mean_what_they_mean_in_yaml(file_with):
    document = read_document(file_with(ALIASES))
    assert document.data == yaml.safe_load(ALIASES)
    assert document.data["two"] == {"a": 7, "b": 3, "c": 9}
    assert document.keys[("two", "a")] == (9, 3)
    assert document.values[("two", "b")] == (5, 6)  # where what was merged in stands


@pytest.mark.parametrize("content", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_has_no_data(file_with, content):
    assert read_document(file_with(content)).data is None


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("name: x\nname: y\nmore: {a: 1, a: 2}\n", [(2, 1, "first in line 1"), (3, 14, "'a' is given twice")]),
        ("a: 1\nb:\n\tc: 2\n", [(3, 1, "a tab stands where YAML wants spaces")]),
        ("a: [1, 2\nb: 3\n", [(2, 2, "this is not YAML")]),
        ("a: b: c", [(1, 5, "this is not YAML")]),
        ('a: "open', [(1, 9, "this is not YAML")]),
        ("a: *nobody", [(1, 4, "undefined alias 'nobody'")]),
        ("a: 1\n---\nb: 2\n", [(2, 1, "another document")]),
        ("a: 2024-13-45\nb: 2024-02-31\n", [(1, 4, "month must be in 1..12"), (2, 4, "'2024-02-31'")]),
        ("a: !!python/object/apply:os.system [id]", [(1, 4, "is no plain data")]),
        ("a: !!python/name:os.system ''", [(1, 4, "could not determine a constructor")]),
        ("a: !!set {b}", [(1, 4, "'set' is no plain data")]),
        ("? [a, b]\n: c", [(1, 3, "a key is one word")]),
        ("a: 1\n<<: 5", [(2, 5, "<< takes a mapping")]),
        ("a: \x07bell", [(1, 4, "cannot stand in YAML")]),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(file_with, content, places):
    path = file_with(content)
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(places), lines
    for said, (line, column, words) in zip(lines, places, strict=True):
        assert said.startswith(f"{path}:{line}:{column}: "), said
        assert words in said


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGING = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "more than 20,000 values, aliases included"),
        (MERGING, "more than 20,000 values, aliases included"),
        ("a: &a [*a]", "nested too deeply"),
        ("a: &a {b: *a}", "nested too deeply"),
        ("a: &a {<<: *a}", "nested too deeply"),
        ("[" * 5000, "nested too deeply"),
        ("a: " + "x" * 300_000, "larger than 256 KB"),
        ("a: " + "9" * 5000, "cannot be read"),
    ],
)
def test_a_file_made_to_be_expensive_is_refused_at_once(file_with, content, words):
    path = file_with(content)
    started = time.perf_counter()
    with pytest.raises(ConfigError, match=words):
        read_document(path)
    assert time.perf_counter() - started < 30


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"x\.yaml cannot be read: No such file"):
        read_document(tmp_path / "x.yaml")
    (tmp_path / "x.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"x\.yaml cannot be read: line 2 is no UTF-8 text"):
        read_document(tmp_path / "x.yaml")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(tmp_path / "x.yaml").data == {"a": 1}


PIECES = st.sampled_from(
    [
        *":[]{},?|>'\"#%@`!&*.",
        "a",
        "b: ",
        "1",
        "~",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "!!bool ",
        "!x ",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
@given(content=st.lists(PIECES, max_size=20).map("".join))
def test_whatever_is_written_it_is_read_or_refused_with_the_file_named(file_with, content):
    path = file_with(content)
    said = ""
    try:
        read_document(path)
    except ConfigError as error:
        said = str(error)
    assert all(line.startswith(f"{path}:") for line in said.splitlines())
