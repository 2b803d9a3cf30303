"""What the manager makes of plugin modules: records, clashes and reasons."""

from __future__ import annotations

from types import ModuleType

import pytest

from maf_core import AgentSpec, RouterSpec, SourceSpec, hookimpl
from maf_core.errors import PluginError, UnknownNameError, UnknownPluginError
from maf_core.plugins import Candidate, PluginManager, Selection, Status
from maf_core.records import by_priority


def prices(name: str) -> SourceSpec:
    return SourceSpec(name=name, factory="json:loads")


def load(*candidates: Candidate, selection: Selection | None = None) -> PluginManager:
    return PluginManager.load(selection or Selection(), list(candidates))


def row_of(manager: PluginManager, name: str):
    return next(row for row in manager.rows if row.name == name)


@pytest.fixture
def candidate(plugin_of):
    def make(name: str, *records, distribution: str = ""):
        return Candidate(name, distribution or f"maf-{name}", "1", module=plugin_of(*records))

    return make


def module_with(**attributes) -> ModuleType:
    module = ModuleType("made_by_a_test")
    vars(module).update(attributes)
    return module


def reason_for(**attributes) -> str:
    row = row_of(load(Candidate("mine", "maf-mine", "1", module=module_with(**attributes))), "mine")
    assert row.status is Status.FAILED
    return row.reason


def test_the_core_comes_through_the_same_hooks():
    manager = load()
    assert [row.name for row in manager.rows] == ["core"]
    assert {"synthesis", "replan"} <= set(manager.records("maf_agents", AgentSpec))


def test_records_come_by_name_in_any_order_of_loading(candidate):
    one, two = candidate("one", prices("b"), prices("a")), candidate("two", prices("c"))
    for manager in (load(one, two), load(two, one)):
        assert list(manager.records("maf_sources", SourceSpec)) == ["a", "b", "c"]


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known(candidate):
    manager = load(candidate("one", prices("my_prices"), prices("my_news")))
    with pytest.raises(UnknownNameError, match=r"There is no source 'my_pices'. Did you mean 'my_prices'\?") as caught:
        manager.get("maf_sources", SourceSpec, "my_pices")
    assert "Known: my_news, my_prices." in str(caught.value)


def test_one_name_from_two_plugins_belongs_to_neither_and_both_are_named(candidate):
    manager = load(candidate("one", prices("same")), candidate("two", prices("same")), candidate("three", prices("x")))
    assert list(manager.records("maf_sources", SourceSpec)) == ["x"]
    for name in ("one", "two"):
        assert row_of(manager, name).status is Status.FAILED
        assert {"maf-one", "maf-two"} <= set(row_of(manager, name).reason.replace(":", " ").split())
    assert row_of(manager, "three").status is Status.OK


def test_one_name_from_three_plugins_is_refused_in_all_three(candidate):
    manager = load(*(candidate(name, prices("same")) for name in ("one", "two", "three")))
    assert manager.records("maf_sources", SourceSpec) == {}
    for name in ("one", "two", "three"):
        named = [other for other in ("one", "two", "three") if f"maf-{other}" in row_of(manager, name).reason]
        assert row_of(manager, name).status is Status.FAILED
        assert name in named
        assert len(named) >= 2, row_of(manager, name).reason


def test_plugins_of_one_distribution_clash_like_any_others(candidate):
    shared = [candidate(name, prices("same"), distribution="maf-all") for name in ("one", "two", "three")]
    manager = load(*shared)
    assert manager.records("maf_sources", SourceSpec) == {}
    assert {row_of(manager, name).status for name in ("one", "two", "three")} == {Status.FAILED}


def test_the_same_name_in_different_hooks_is_no_clash(candidate):
    manager = load(candidate("one", prices("same")), candidate("two", AgentSpec(name="same", factory="json:loads")))
    assert {row.status for row in manager.rows} == {Status.OK}


def test_a_plugin_that_clashes_gives_nothing_else_either(candidate):
    manager = load(candidate("one", prices("same"), prices("other")), candidate("two", prices("same")))
    assert manager.records("maf_sources", SourceSpec) == {}


def test_the_core_keeps_its_names_and_the_reason_says_so(candidate):
    manager = load(candidate("one", AgentSpec(name="synthesis", factory="json:loads")))
    assert manager.get("maf_agents", AgentSpec, "synthesis").factory == "maf_core.agents.synthesis:SynthesisAgent"
    assert row_of(manager, "core").status is Status.OK
    assert "neither is used" not in row_of(manager, "one").reason


def test_the_name_core_is_taken(candidate):
    manager = load(candidate("core", prices("x"), distribution="maf-pretender"))
    pretender = next(row for row in manager.rows if row.distribution == "maf-pretender")
    assert pretender.status is Status.DUPLICATE
    assert "maf-pretender and maf" in pretender.reason or "maf and maf-pretender" in pretender.reason
    assert manager.records("maf_sources", SourceSpec) == {}


def test_a_name_given_twice_by_one_plugin_is_its_fault(candidate):
    manager = load(candidate("one", prices("same"), prices("same")))
    assert "gives the name 'same' twice" in row_of(manager, "one").reason
    assert manager.records("maf_sources", SourceSpec) == {}


def test_what_a_plugin_gave_before_it_failed_is_taken_back():
    @hookimpl
    def maf_agents():
        yield AgentSpec(name="early", factory="json:loads")

    @hookimpl
    def maf_sources():
        yield prices("first")
        raise RuntimeError("then this")

    module = module_with(maf_agents=maf_agents, maf_sources=maf_sources)
    manager = load(Candidate("mine", "maf-mine", "1", module=module))
    assert "early" not in manager.records("maf_agents", AgentSpec)
    assert manager.records("maf_sources", SourceSpec) == {}
    assert row_of(manager, "mine").contributions == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (7, "returned int"),
        ("my_prices", "returned str"),
        ([AgentSpec(name="x", factory="json:loads")], "gave AgentSpec; give SourceSpec records"),
        ([prices("")], "without a name"),
        ([None], "gave NoneType"),
    ],
)
def test_an_answer_that_is_no_list_of_its_own_records_is_refused(answer, words):
    assert words in reason_for(maf_sources=hookimpl(lambda: answer))


def test_a_hook_may_have_nothing_to_give():
    module = module_with(maf_sources=hookimpl(lambda: None), maf_agents=hookimpl(lambda: ()))
    assert row_of(load(Candidate("mine", "maf-mine", "1", module=module)), "mine").status is Status.OK


def test_an_asynchronous_generator_is_refused_like_a_coroutine():
    @hookimpl
    async def maf_sources():
        yield prices("never_awaited")

    assert "Hooks are plain functions" in reason_for(maf_sources=maf_sources)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("maf_source", "Did you mean maf_sources?"),
        ("maf_riskchecks", "Did you mean maf_risk_checks?"),
        ("maf_zzz", "Known: maf_agents"),
        ("mfa_sources", "Did you mean maf_sources?"),
    ],
)
def test_a_misspelt_hook_is_told_the_nearest_name(name, hint):
    assert hint in reason_for(**{name: hookimpl(lambda: [prices("x")])})


def test_the_selection_decides_who_is_loaded(candidate):
    both = (candidate("one", prices("a")), candidate("two", prices("b")))
    manager = load(*both, selection=Selection.from_names("two"))
    assert list(manager.records("maf_sources", SourceSpec)) == ["b"]
    assert (row_of(manager, "one").status, row_of(manager, "one").reason) == (Status.DISABLED, "not selected")


def test_an_unknown_plugin_that_resembles_none_gets_the_command_that_installs_it(candidate):
    with pytest.raises(UnknownPluginError, match="pip install maf-plugin-kronos"):
        load(candidate("one"), selection=Selection.from_names("kronos"))


def test_records_apply_by_priority_then_name():
    specs = [
        RouterSpec(name=name, target_key="*", factory="x", priority=at) for name, at in [("b", 5), ("a", 5), ("z", 1)]
    ]
    assert [spec.name for spec in by_priority({spec.name: spec for spec in specs})] == ["z", "a", "b"]


@pytest.mark.parametrize("factory", ["no_such_package:thing", "json:no_such_function", "", "json.:x"])
def test_a_factory_that_cannot_be_imported_is_a_sentence(factory):
    with pytest.raises(PluginError, match="cannot be imported"):
        SourceSpec(name="x", factory=factory).load()


def test_a_factory_is_a_dotted_path_or_the_thing_itself():
    import json

    assert SourceSpec(name="x", factory="json:loads").load() is json.loads
    assert SourceSpec(name="x", factory=json.loads).load() is json.loads
