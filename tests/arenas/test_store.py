"""How a run is kept: only what changed is written, and what cannot be read is refused in words."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pydantic_core import from_json, to_json

from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.record import FORMAT, RunHead, run_key
from maf_core.arenas.state import frozen, merge
from maf_core.arenas.store import RUNS, RunStore
from maf_core.errors import RunError, RunTakenError


def head_for(request, **more) -> RunHead:
    return RunHead(
        arena=request.arena, command_id=request.command_id, target=request.target, as_of=request.as_of,
        correlation_id="c" * 32, **more,
    )  # fmt: skip


@pytest.fixture
def store(redis) -> RunStore:
    return RunStore(redis, 3600, 1000)


@pytest.fixture
def begun(store, request_for):
    """Begin a run with this state."""

    async def begin(state: dict | None = None):
        return await store.open(head_for(request_for()), dict(frozen(state or {})))

    return begin


async def test_a_run_is_read_as_it_was_saved(store, begun):
    record = await begun({"signals": {}, "text": "ä", "none": None, "number": 1.5})
    merge(record.state, {"signals": {"a": {"x": [1, 2]}}})
    record.head.next_phase, record.head.phases = "decide", 1
    await store.save(record)
    await store.save_answer(record, "llm:0:abc", b'{"answer": 1}')
    found = await store.read(record.head.request.arena_id)
    assert (found.head, found.state, found.answers) == (record.head, record.state, {"llm:0:abc": b'{"answer": 1}'})


async def test_keys_keep_their_order(store, begun):
    names = [f"key_{number}" for number in range(200)]
    record = await begun({name: {} for name in reversed(names)})
    found = await store.read(record.head.request.arena_id)
    assert list(found.state) == names[::-1]


async def test_only_what_changed_is_written(redis, store, begun):
    record = await begun({"big": ["x" * 1000], "signals": {}, "other": {"a": 1}})
    key = run_key(record.head.request.arena_id)
    merge(record.state, {"signals": {"a": 1}, "other": {}})
    for name in ("big", "other", "signals"):
        await redis.hset(key, f"state:{name}", to_json("overwritten"))
    await store.save(record)
    assert [from_json(await redis.hget(key, f"state:{name}")) for name in ("big", "other", "signals")] == [
        "overwritten", "overwritten", {"a": 1},
    ]  # fmt: skip


async def test_everything_of_a_run_is_one_key_in_a_slot_of_its_own(redis, store, begun):
    record = await begun()
    await store.save_answer(record, "llm:0:abc", b"{}")
    arena_id = record.head.request.arena_id
    keys = sorted([key async for key in redis.scan_iter()])
    assert keys == [f"maf:run:{{{arena_id}}}".encode(), RUNS.encode()]


async def test_a_run_is_kept_for_the_configured_time_and_longer_while_it_goes_on(redis, begun):
    short = RunStore(redis, 60, 1000)
    record = await begun()
    record.state["signal"] = "HOLD"
    await short.save(record)
    key = run_key(record.head.request.arena_id)
    assert await redis.ttl(key) > 3600
    record.head.status = "completed"
    await short.save(record)
    assert 0 < await redis.ttl(key) <= 60


BROKEN = {
    "no head": lambda head: None,
    "no JSON": lambda head: head[:-5],
    "no object": lambda head: b"[]",
    "a word too many": lambda head: to_json({**from_json(head), "surprise": 1}),
    "a word too few": lambda head: to_json({k: v for k, v in from_json(head).items() if k != "correlation_id"}),
    "no format": lambda head: to_json({**from_json(head), "format": "new"}),
    "a state that is not there": lambda head: to_json({**from_json(head), "keys": ["signals", "gone"]}),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=list(BROKEN))
async def test_a_broken_record_is_refused_and_says_what_to_do(redis, store, begun, change):
    record = await begun({"signals": {}})
    arena_id = record.head.request.arena_id
    key = run_key(arena_id)
    changed = change(await redis.hget(key, "head"))
    await (redis.hset(key, "head", changed) if changed is not None else redis.hdel(key, "head"))
    for look in (store.read(arena_id), store.open(record.head, {}), store.take(arena_id)):
        with pytest.raises(RunError, match=f"run {arena_id} cannot be read.*delete the key maf:run:"):
            await look


async def test_a_broken_part_of_the_state_is_refused(redis, store, begun):
    record = await begun({"signals": {}})
    await redis.hset(run_key(record.head.request.arena_id), "state:signals", b'{"a": ')
    with pytest.raises(RunError, match="cannot be read"):
        await store.open(record.head, {})


async def test_a_record_of_a_newer_version_is_refused_and_left_alone(redis, store, begun):
    record = await begun({"signals": {}})
    key = run_key(record.head.request.arena_id)
    newer = to_json({**from_json(await redis.hget(key, "head")), "format": FORMAT + 1, "unheard": "of"})
    await redis.hset(key, "head", newer)
    before = await redis.hgetall(key)
    for look in (store.open(record.head, {}), store.take(record.head.request.arena_id)):
        with pytest.raises(RunError, match=f"newer version of MAF \\(format {FORMAT + 1}; this one reads {FORMAT}\\)"):
            await look
    assert await redis.hgetall(key) == before  # so that whoever has it can go on


async def test_a_key_that_holds_something_else_is_refused(redis, store, request_for):
    head = head_for(request_for())
    await redis.set(run_key(head.request.arena_id), "mine")
    with pytest.raises(RunError, match="holds something else"):
        await store.open(head, {})


async def test_a_run_that_cannot_be_read_is_not_run(redis, make_context, load, panel, speaker, request_for):
    arena = panel({"name": "look", "agents": [{"name": "a", "role": "speaker"}]})
    request = request_for()
    await redis.hset(run_key(request.arena_id), "head", b"rubbish")
    with pytest.raises(RunError, match="cannot be read"):
        await ArenaEngine(make_context(plugins=load(speaker), arenas=[arena])).run(request)


async def test_whoever_opens_a_run_owns_it(store, begun):
    first = await begun({"signals": {}})
    second = await store.open(first.head, {})
    merge(first.state, {"signals": {"first": 1}})
    with pytest.raises(RunTakenError):
        await store.save(first)
    with pytest.raises(RunTakenError):
        await store.save_answer(first, "llm:0:abc", b"{}")
    merge(second.state, {"signals": {"second": 1}})
    await store.save(second)
    found = await store.read(first.head.request.arena_id)
    assert (found.state, found.answers) == ({"signals": {"second": 1}}, {})


async def test_of_many_who_open_a_run_at_once_one_owns_it(store, request_for):
    head = head_for(request_for())
    records = await asyncio.gather(*(store.open(head.model_copy(), {}) for _ in range(8)))
    saved = await asyncio.gather(*(store.save(record) for record in records), return_exceptions=True)
    assert [type(result) for result in saved].count(RunTakenError) == 7
    assert len({record.head.correlation_id for record in records}) == 1


async def test_a_run_whose_record_is_gone_is_not_saved_by_halves(redis, store, begun):
    record = await begun()
    await redis.delete(run_key(record.head.request.arena_id))
    with pytest.raises(RunTakenError):
        await store.save(record)
    assert not await redis.exists(run_key(record.head.request.arena_id))


async def filled(store, request_for, count: int, running: set[int] = frozenset()) -> list[str]:
    ids = []
    for number in range(count):
        head = head_for(request_for())
        head.created_at += timedelta(seconds=number)
        record = await store.open(head, {})
        record.head.status = "running" if number in running else "completed"
        await store.save(record)
        ids.append(head.request.arena_id)
    return ids


async def test_the_oldest_runs_are_forgotten_when_there_are_too_many(redis, request_for):
    store = RunStore(redis, 3600, 5)
    ids = await filled(store, request_for, 12)
    assert [head.request.arena_id for head in await store.recent()] == ids[:-6:-1]
    assert [await redis.exists(run_key(arena_id)) for arena_id in ids] == [0] * 7 + [1] * 5


async def test_a_run_that_goes_on_is_not_forgotten(redis, request_for):
    store = RunStore(redis, 3600, 3)
    ids = await filled(store, request_for, 8, running={0, 2})
    assert [arena_id for arena_id in ids if await redis.exists(run_key(arena_id))] == [ids[0], ids[2], *ids[-3:]]


async def test_the_list_gives_the_newest_first_and_those_of_one_arena(redis, store, request_for):
    ids = await filled(store, request_for, 3)
    other = head_for(request_for(arena="other"))
    await store.open(other, {})
    assert [head.request.arena_id for head in await store.recent(arena="panel")] == ids[::-1]
    assert [head.arena for head in await store.recent(arena="other")] == ["other"]
    assert len(await store.recent(most=2)) == 2


async def test_the_list_passes_over_what_cannot_be_read(redis, store, request_for):
    ids = await filled(store, request_for, 3)
    await redis.hset(run_key(ids[1]), "head", b"rubbish")
    await redis.delete(run_key(ids[0]))
    assert [head.request.arena_id for head in await store.recent()] == [ids[2]]
