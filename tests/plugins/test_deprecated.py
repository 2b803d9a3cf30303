"""A hook that is to go: it works and says so everywhere; once it is gone, the row says what to write instead."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import ModuleType

import pytest
from structlog.testing import capture_logs

from maf_core import ChannelSpec, SourceSpec, hookimpl
from maf_core.cli.options import app_of
from maf_core.plugins import Candidate, PluginManager, Selection, Status, deprecated
from maf_core.settings import Settings
from maf_core.testing.static import Finding, Subject
from maf_core.testing.static.loading_rules import loads

INSTEAD = "Use maf_streams."
OLD_PLUGIN = """
from maf_core import ChannelSpec, hookimpl

@hookimpl
def maf_channels():
    yield ChannelSpec(name="mine", stream="mine:stream", summary="Mine")
"""


@pytest.fixture
def maf_channels_is_old(monkeypatch):
    monkeypatch.setitem(deprecated.DEPRECATED, "maf_channels", ("0.3", INSTEAD))


@pytest.fixture
def old_plugin(tmp_path):
    """A folder with a plugin, `mine`, that has the hook."""
    (tmp_path / "mine.py").write_text(OLD_PLUGIN)
    return tmp_path


def load(*hooks) -> PluginManager:
    module = ModuleType("made_by_a_test")
    vars(module).update({hook.__name__: hookimpl(hook) for hook in hooks})
    return PluginManager.load(Selection(), [Candidate("mine", "maf-mine", "1", module=module)])


def row_of(manager: PluginManager):
    return next(row for row in manager.rows if row.name == "mine")


def maf_channels():
    yield ChannelSpec(name="mine", stream="mine:stream")


def maf_sources():
    yield SourceSpec(name="mine", factory="json:loads")


def test_nothing_is_said_of_hooks_that_stay():
    row = row_of(load(maf_channels))
    assert (row.status, row.reason, row.old_hooks) == (Status.OK, "", [])


@pytest.mark.usefixtures("maf_channels_is_old")
def test_a_deprecated_hook_works_and_the_row_says_which_and_what_instead():
    manager = load(maf_channels, maf_sources)
    row = row_of(manager)
    assert (row.status, row.fine, row.old_hooks) == (Status.OK, True, ["maf_channels"])
    assert row.reason == f"old: hook maf_channels is deprecated since maf 0.3. {INSTEAD}"
    assert manager.records("maf_channels", ChannelSpec)["mine"].stream == "mine:stream"


@pytest.mark.usefixtures("maf_channels_is_old")
def test_a_plugin_without_the_hook_is_not_told():
    assert row_of(load(maf_sources)).reason == ""


@pytest.mark.usefixtures("maf_channels_is_old")
def test_an_old_hook_that_has_nothing_to_give_is_old_too():
    def maf_channels():
        return ()

    assert row_of(load(maf_channels)).old_hooks == ["maf_channels"]


@pytest.mark.usefixtures("maf_channels_is_old")
async def test_whoever_runs_the_application_logs_a_warning(old_plugin, redis_url, monkeypatch):
    monkeypatch.setenv("MAF_PLUGINS_DIR", str(old_plugin))
    with capture_logs() as logs:
        async with app_of(Settings(redis_url=redis_url), None, "mine"):
            pass
    (said,) = [line for line in logs if line.get("plugin") == "mine"]
    assert (said["event"], said["log_level"]) == ("plugin_old", "warning")
    assert INSTEAD in said["reason"]


@pytest.mark.usefixtures("maf_channels_is_old")
def test_the_check_marks_it_as_old_and_no_failure(old_plugin):
    finding = Finding.of(loads, Subject.find("mine", Selection(folder=old_plugin)))
    assert (finding.status, finding.ok) == ("old", True)
    assert finding.faults[0].fix == INSTEAD


def test_a_hook_that_is_gone_names_its_successor(monkeypatch):
    monkeypatch.setitem(deprecated.DEPRECATED, "maf_feeds", ("0.3", "Use maf_sources."))

    def maf_feeds():
        yield SourceSpec(name="mine", factory="json:loads")

    row = row_of(load(maf_feeds))
    assert (row.status, row.reason) == (Status.FAILED, "hook maf_feeds was removed. Use maf_sources.")


@pytest.mark.usefixtures("maf_channels_is_old")
def test_the_hook_reference_says_it():
    program = Path(__file__).parents[2] / "docs" / "plugins" / "generate_hooks.py"
    _, _, section = runpy.run_path(str(program))["page"]().partition("### `maf_channels`")
    assert f"**Deprecated since maf 0.3.** {INSTEAD}" in section.partition("###")[0]
