"""The library of trigger templates: what is taken, what is refused, and when a file is read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from maf_core import TriggerTemplatesSpec
from maf_core.arenas.config import TriggerConfig
from maf_core.errors import ConfigError
from maf_core.plane.library import TemplateLibrary, TriggerTemplate, load_templates
from maf_core.plugins import Candidate, PluginManager, Selection

RULE = {"id": "moved", "on_stream": "t:bars", "when": "payload.c > 10", "target": "{payload.symbol}"}


def template(name: str = "big_move", **more) -> dict:
    return {"id": name, "title": "A big move", "summary": "Of any bar.", "needs": ["t:bars"], "rule": RULE, **more}


def rule(**more) -> dict:
    return template(rule={**RULE, **more})


@pytest.fixture
def write(tmp_path):
    def to(name: str, *templates: dict) -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(list(templates)))
        return path

    return to


@pytest.fixture
def library_of(plugin_of):
    """The library of plugins, each with these files: `library_of(one=path, two=factory)`."""

    def make(**files) -> TemplateLibrary:
        candidates = [
            Candidate(name, f"maf-{name}", "1", module=plugin_of(TriggerTemplatesSpec(name=name, factory=factory)))
            for name, given in files.items()
            for factory in [given if callable(given) else lambda given=given: given]
        ]
        return TemplateLibrary(PluginManager.load(Selection(), candidates))

    return make


def warnings(library: TemplateLibrary) -> list[dict]:
    with capture_logs() as logs:
        library.templates()
    return [line for line in logs if line["log_level"] == "warning"]


def test_every_plugins_templates_are_there_by_id_with_their_plugin(library_of, write):
    library = library_of(b=write("b.yaml", template("second")), a=write("a.yaml", template("third"), template("first")))
    assert [(name, offered.plugin) for name, offered in library.templates().items()] == [
        ("first", "a"), ("second", "b"), ("third", "a"),
    ]  # fmt: skip
    assert library.templates()["first"].template.rule == TriggerConfig.model_validate(RULE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rule(when="payload.c >"), "is not an expression"),
        (rule(when="open('x')"), "only these can be called"),
        (rule(target="{payload.symbol"), "a brace without its partner"),
        (rule(target={"ticker": "{now()}"}), "only these can be called"),
        (rule(as_of="{payload.}"), "is not an expression"),
        (rule(cooldown_s=-1), "0.rule.cooldown_s: input should be greater"),
        (rule(cooldown=5), "0.rule.cooldown: there is no such key. Did you mean 'cooldown_s'?"),
        (rule(on_stream="t:other"), "needs lacks 't:other', which the rule watches"),
        (template(colour="red"), "0.colour: there is no such key. Known here: id"),
        (template("Big Move"), "0.id: "),
        (template(needs=[]), "0.needs: "),
        (template(title=""), "0.title: "),
        ({"id": "big_move"}, "0.rule: this key is missing"),
        ("big_move", "this should be a mapping"),
    ],
)
def test_a_template_that_is_not_valid_is_refused_with_the_file_and_the_key(write, content, words):
    path = write("mine.yaml", content)
    with pytest.raises(ConfigError) as caught:
        load_templates(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "should be a list"), (b"a: 1", "should be a list"), (b"- [", "not YAML"), (b"\xff\xfe", "")],
)
def test_what_is_no_list_of_templates_is_refused_with_the_file(tmp_path, content, words):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"mine.yaml.*{words}"):
        load_templates(path)


def test_every_mistake_is_told_with_its_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump([template(), rule(when="a b", as_of="{"), template("third", colour="red")]))
    lines = path.read_text().splitlines()
    with pytest.raises(ConfigError) as caught:
        load_templates(path)
    told = [line.removeprefix(f"{path}:").split(":")[0] for line in str(caught.value).splitlines()]
    assert [lines[int(number) - 1].split(":")[0].strip(" -") for number in told] == ["as_of", "when", "colour"]


def test_an_id_twice_in_a_file_is_refused(write):
    with pytest.raises(ConfigError, match=r"mine\.yaml:11:7: the id 'big_move' is given twice"):
        load_templates(write("mine.yaml", template(), template()))


def _fails():
    raise LookupError("not here")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda: "/nowhere/mine.yaml", "/nowhere/mine.yaml cannot be read"),
        (lambda: 7, "gives no path of templates"),
        (_fails, "LookupError: not here"),
    ],
)
def test_a_broken_file_is_a_warning_and_hides_nobody_elses(library_of, write, broken, words):
    library = library_of(broken=broken, sound=write("sound.yaml", template()))
    (said,) = warnings(library)
    assert (said["event"], said["plugin"]) == ("trigger_templates_not_used", "broken")
    assert words in said["reason"]
    assert list(library.templates()) == ["big_move"]
    assert warnings(library) == [], "a mistake is told once"


def test_an_id_of_two_plugins_belongs_to_neither_and_both_are_named(library_of, write):
    library = library_of(
        one=write("one.yaml", template(), template("mine")), two=write("two.yaml", template(), template("other"))
    )
    (said,) = warnings(library)
    assert "'big_move' is given by one and two" in said["reason"]
    assert list(library.templates()) == ["mine", "other"]
    assert warnings(library) == []
    write("two.yaml", template("other"))
    assert list(library.templates()) == ["big_move", "mine", "other"]


def test_a_file_is_read_again_when_it_changes_and_only_then(library_of, write):
    path = write("mine.yaml", template())
    library = library_of(mine=path)
    before = library.templates()["big_move"]
    assert library.templates()["big_move"].template is before.template
    os.utime(path, ns=(1, 1))
    again = library.templates()["big_move"]
    assert again == before
    assert again.template is not before.template
    write("mine.yaml", template("another_move"))
    assert list(library.templates()) == ["another_move"]


def test_a_file_that_breaks_and_is_mended(library_of, write):
    library = library_of(mine=write("mine.yaml", template()))
    library.templates()
    write("mine.yaml", template(when="x"))
    assert len(warnings(library)) == 1
    assert library.templates() == {}
    write("mine.yaml", template("mended"))
    assert list(library.templates()) == ["mended"]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40)


@given(title=texts, summary=texts, word=texts)
def test_what_is_printed_can_be_pasted_under_triggers(title, summary, word):
    made = TriggerTemplate.model_validate(
        {**rule(when=f"payload.word == {json.dumps(word)}"), "title": title, "summary": summary}
    )
    pasted = yaml.safe_load(f"triggers:\n{made.as_yaml()}")
    assert [TriggerConfig.model_validate(each) for each in pasted["triggers"]] == [made.rule]


@pytest.fixture
def with_plugin(maf, write, tmp_path):
    """Run `maf trigger` with a plugin that offers a template, and another whose file is broken."""
    write("mine.yaml", template())
    (tmp_path / "broken.yaml").write_text("nonsense")
    for name in ("mine", "broken"):
        (tmp_path / f"{name}.py").write_text(
            "from pathlib import Path\n"
            "from maf_core import TriggerTemplatesSpec, hookimpl\n\n\n"
            "@hookimpl\n"
            "def maf_trigger_templates():\n"
            f"    yield TriggerTemplatesSpec(name='{name}', factory=lambda: Path(__file__).with_suffix('.yaml'))\n"
        )
    return lambda *words: maf("--plugins-dir", str(tmp_path), "--plugins", "mine,broken", "trigger", *words)


def test_the_command_lists_the_templates_and_warns_on_stderr(with_plugin):
    done = with_plugin("templates")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:3] == ["big_move", "mine", "t:bars"]
    assert "broken.yaml: this should be a list of templates" in done.stderr
    (shown,) = json.loads(with_plugin("templates", "--json").stdout)
    assert shown == {**template(), "plugin": "mine"}


def test_the_command_prints_one_to_paste(with_plugin):
    pasted = yaml.safe_load("triggers:\n" + with_plugin("template", "big_move").stdout)
    assert pasted == {"triggers": [RULE]}


def test_an_unknown_template_is_answered_with_the_nearest(with_plugin):
    done = with_plugin("template", "big_moves")
    assert done.returncode == 2
    assert "There is no template 'big_moves'. Did you mean 'big_move'?" in done.stderr


def test_without_plugins_the_command_says_where_templates_come_from(maf):
    assert "pip install 'maf[demo]'" in maf("--no-plugins", "trigger", "templates").stdout
