"""A configuration is taken up whole or not at all."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from maf_core.arena_files import load_arenas
from maf_core.config_folder import ConfigFolder
from maf_core.context import AppContext
from maf_core.control.reloading import ConfigWatch, Reloader
from maf_core.errors import ConfigError
from maf_core.plane.refusals import recent_refusals
from maf_core.settings import load_settings
from maf_core.tasks import cancelled
from maf_core.testing import wait_until


@pytest.fixture
def process(redis, folder, load, speaker, role):
    """A process that has started with the folder as it is now."""

    async def run(agent, state, context): ...

    def start() -> AppContext:
        plugins, config = load(speaker, role("waiting", run)), ConfigFolder.at(folder)
        context = AppContext.create(redis, load_settings(folder), plugins, {}, config)
        context.arenas.update(load_arenas(plugins, folder))
        return context

    return start


@asynccontextmanager
async def watching(context: AppContext):
    task = asyncio.create_task(ConfigWatch(context).run())
    try:
        yield
    finally:
        await cancelled([task])


async def test_arenas_come_go_and_change_in_place(process, folder, write_arena):
    for name in ("stays", "goes", "changes"):
        write_arena(name)
    context = process()
    arenas = context.arenas
    write_arena("comes")
    write_arena("changes", summary="as it is now")
    (folder / "arenas" / "goes.yaml").unlink()
    changes = await Reloader(context).reload()
    assert (changes.added, changes.removed, changes.changed) == (["comes"], ["goes"], ["changes"])
    assert context.arenas is arenas
    assert sorted(arenas) == ["changes", "comes", "stays"]
    assert arenas["changes"].summary == "as it is now"
    assert context.config.changed.is_set()


async def test_nothing_new_is_no_change(process, folder, write_arena):
    write_arena()
    context = process()
    (folder / "arenas" / "panel.yaml").write_text("# a comment\n" + (folder / "arenas" / "panel.yaml").read_text())
    assert not await Reloader(context).reload()
    assert not context.config.changed.is_set()


async def test_mistakes_change_nothing_and_are_all_told(redis, process, folder, write_arena):
    write_arena()
    context = process()
    write_arena(summary="as it is now")
    write_arena("second", role="nobody")
    (folder / "arenas" / "third.yaml").write_text("name: third")
    (folder / "maf.yaml").write_text("lese_s: 5")
    for _ in range(2):
        with pytest.raises(ConfigError) as raised:
            await Reloader(context).reload()
        assert [word for word in ("nobody", "third.yaml", "lese_s") if word not in str(raised.value)] == []
    assert {arena.summary for arena in context.arenas.values()} == {"as it was"}
    assert context.config.fault == str(raised.value)
    (noted,) = await recent_refusals(redis)
    assert (noted["reason"], noted["source"]) == (context.config.fault, str(folder))
    (folder / "maf.yaml").unlink()
    for name in ("second", "third"):
        (folder / "arenas" / f"{name}.yaml").unlink()
    assert (await Reloader(context).reload()).changed == ["panel"]
    assert context.config.fault == ""


async def test_settings_that_changed_are_named_for_the_next_start(process, folder, write_arena):
    (folder / "maf.yaml").write_text("lease_s: 5\ndrain_s: 1")
    context = process()
    (folder / "maf.yaml").write_text("lease_s: 6\ndrain_s: 1\nrun_keep: 5")
    await Reloader(context).reload()
    assert context.config.needs_restart == ["lease_s", "run_keep"]
    assert context.settings.lease_s == 5
    (folder / "maf.yaml").write_text("lease_s: 5\ndrain_s: 1")
    await Reloader(context).reload()
    assert context.config.needs_restart == []


async def test_without_a_folder_there_is_nothing_to_reload(make_context):
    assert not await Reloader(make_context()).reload()


async def test_every_process_follows_a_call_once(process, write_arena):
    one, other = process(), process()
    write_arena("new")
    await Reloader(one).reload()
    await Reloader(one).everywhere()
    await Reloader(other).catch_up()
    assert (sorted(other.arenas), other.config.revision) == (["new"], 1)
    write_arena("newer")
    await Reloader(other).catch_up()
    assert sorted(other.arenas) == ["new"]


async def test_a_change_is_seen_by_itself(process, write_arena):
    context = process()
    async with watching(context):
        write_arena("new")
        await wait_until(lambda: context.arenas)


async def test_a_change_between_the_start_and_the_first_look_is_seen(process, write_arena):
    context = process()
    write_arena("new")
    async with watching(context):
        await wait_until(lambda: context.arenas)


async def test_a_watch_outlives_mistakes(process, folder, write_arena):
    context = process()
    async with watching(context):
        (folder / "arenas" / "new.yaml").write_text("name: [")
        await wait_until(lambda: context.config.fault)
        write_arena("new")
        await wait_until(lambda: context.arenas)
    assert context.config.fault == ""


async def test_a_watch_can_be_turned_off(process, folder, write_arena, monkeypatch):
    (folder / "maf.yaml").write_text("control: {watch_config: false}")
    context = process()
    write_arena("new")
    async with watching(context):
        await Reloader(process()).everywhere()
        await wait_until(lambda: context.config.revision == 1)
        await wait_until(lambda: context.arenas)  # told to, it reloads all the same
        (folder / "arenas" / "new.yaml").unlink()
        before = context.config.stamp
        await Reloader(process()).everywhere()
        await wait_until(lambda: context.config.revision == 2)
        await wait_until(lambda: not context.arenas)
        assert context.config.stamp != before


def test_the_stamp_changes_with_what_is_read_and_with_nothing_else(folder, write_arena):
    stamps = [ConfigFolder.at(folder).stamp]
    write_arena()
    stamps.append(ConfigFolder.at(folder).stamp)
    (folder / "maf.yaml").write_text("lease_s: 5")
    stamps.append(ConfigFolder.at(folder).stamp)
    os.utime(folder / "maf.yaml", (1, 1))
    stamps.append(ConfigFolder.at(folder).stamp)
    (folder / "arenas" / "panel.yaml").unlink()
    stamps.append(ConfigFolder.at(folder).stamp)
    assert len(set(stamps)) == len(stamps)
    (folder / "notes.txt").write_text("nothing")
    assert ConfigFolder.at(folder).stamp == stamps[-1]
