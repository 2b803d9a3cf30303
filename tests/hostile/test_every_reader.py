"""No reader without a row: whatever reads a stream is asked how it takes what others put there."""

from __future__ import annotations

from tests.hostile.books import BOOKS
from tests.hostile.reading import Reader
from tests.hostile.rows import READERS
from tests.hostile.workers import ARENA, WORKERS

from maf_core import SourceSpec
from maf_core.records import FactoryRecord, RefresherSpec, WorkerSpec
from maf_core.sources.freshness import streams_of
from maf_core.sources.legacy import freshness_of
from maf_core.streams.names import GROUPS

_COVERED = {name for reader in READERS for name in reader.covers}


def _switched_on() -> dict[str, dict]:
    """What the rows set for their workers, so that each of them reads."""
    return {name: section for reader in (*WORKERS, *BOOKS) for name, section in reader.settings.items()}


async def test_every_consumer_group_has_a_row(redis, application, installed):
    context = application(Reader("all", "", lambda _: None, arenas=(ARENA,), settings=_switched_on()))
    specs: list[FactoryRecord] = [
        *installed.records("maf_workers", WorkerSpec).values(),
        *installed.records("maf_refreshers", RefresherSpec).values(),
    ]
    for spec in specs:
        await spec.load()(context).prepare()
    groups = {member.decode().split("\n")[1] for member in await redis.smembers(GROUPS)}
    assert len(groups) > 5
    assert groups - _COVERED == set()


def test_every_source_that_names_a_stream_has_a_row(installed):
    found = set()
    for name, spec in installed.records("maf_sources", SourceSpec).items():
        kind = spec.load()
        if streams_of(freshness_of(name, kind, kind.Config())):
            found.add(name)
    assert len(found) > 5
    assert found - _COVERED == set()


def test_the_rows_stand_for_something_that_is_there(redis, installed):
    known = {group for group in _COVERED if group.startswith("maf:")}
    assert _COVERED - known <= installed.records("maf_sources", SourceSpec).keys()
