"""Memory backends, each with one fault. `breaks` names the rules that must find it."""

from __future__ import annotations

from types import ModuleType

import pytest

from maf_core import Memory, MemoryBackend, MemoryBackendSpec, Outcome, Recalled, hookimpl
from maf_core.memory.base import ranked
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.testing import MemoryBackendConformance

KEEPS = 10


class Words(MemoryBackend):
    """A sound backend: two hashes, and the share of words in common."""

    def __init__(self, context):
        self.redis = context.redis

    async def remember(self, memory):
        await self.redis.hsetnx("t:memories", memory.arena_id, memory.model_dump_json())
        for old in self.too_many(await self.all(), memory.arena):
            await self.redis.hdel("t:memories", old.arena_id)

    def too_many(self, memories, arena):
        mine = [memory for memory in memories if memory.arena == arena]
        return sorted(mine, key=lambda memory: memory.as_of)[:-KEEPS]

    async def outcome(self, arena_id, outcome):
        if await self.redis.hexists("t:memories", arena_id):
            await self.redis.hsetnx("t:outcomes", arena_id, outcome.model_dump_json())

    async def all(self):
        memories = await self.redis.hgetall("t:memories")
        outcomes = await self.redis.hgetall("t:outcomes")
        return [
            Memory.model_validate_json(packed).model_copy(
                update={"outcome": Outcome.model_validate_json(outcomes[run]) if run in outcomes else None}
            )
            for run, packed in memories.items()
        ]

    def known(self, memory, as_of):
        return memory.known_before(as_of)

    def mine(self, memory, query):
        return memory.arena == query.arena

    def score(self, memory, query):
        wanted, words = set(query.situation.split()), set(memory.situation.split())
        return len(wanted & words) / max(1, len(wanted | words))

    def ordered(self, found, query):
        return ranked(found, query.limit)

    async def recall(self, query):
        known = [self.known(memory, query.as_of) for memory in await self.all() if self.mine(memory, query)]
        return self.ordered([Recalled(memory, self.score(memory, query)) for memory in known if memory], query)


class Pretender:
    def __init__(self, context):
        sound = Words(context)
        self.remember, self.outcome, self.recall = sound.remember, sound.outcome, sound.recall


class Trusting(Words):
    async def remember(self, memory):
        await super().remember(memory.model_copy(update={"untrusted": False}))


class Sour(Words):
    def score(self, memory, query):
        return super().score(memory, query) - 10


class Inclusive(Words):
    def known(self, memory, as_of):
        return memory if memory.as_of == as_of else super().known(memory, as_of)


class Prophet(Words):
    def known(self, memory, as_of):
        return memory if super().known(memory, as_of) else None


class Rewriting(Words):
    async def remember(self, memory):
        if await self.redis.hexists("t:memories", memory.arena_id):
            await self.redis.hset("t:memories", memory.arena_id, memory.model_dump_json())
        await super().remember(memory)


class Impressionable(Words):
    async def outcome(self, arena_id, outcome):
        await self.redis.hdel("t:outcomes", arena_id)
        await super().outcome(arena_id, outcome)


class Strict(Words):
    async def outcome(self, arena_id, outcome):
        if not await self.redis.hexists("t:memories", arena_id):
            raise KeyError(arena_id)
        await super().outcome(arena_id, outcome)


class Leaky(Words):
    def mine(self, memory, query):
        return memory.arena.startswith(query.arena)


class Talkative(Words):
    def ordered(self, found, query):
        return ranked(found, 1000)


class Unsorted(Words):
    def ordered(self, found, query):
        return found[: query.limit]


class Silent(Words):
    async def recall(self, query):
        return await super().recall(query) if query.situation else []


class Indifferent(Words):
    def score(self, memory, query):
        return 0.5


class Private(Words):
    def __init__(self, context):
        super().__init__(context)
        self.told = {}

    async def remember(self, memory):
        self.told.setdefault(memory.arena_id, memory)
        for old in self.too_many(await self.all(), memory.arena):
            del self.told[old.arena_id]

    async def outcome(self, arena_id, outcome):
        memory = self.told.get(arena_id)
        if memory and not memory.outcome:
            self.told[arena_id] = memory.model_copy(update={"outcome": outcome})

    async def all(self):
        return list(self.told.values())


class Hoarding(Words):
    def too_many(self, memories, arena):
        return []


class Crowded(Words):
    def too_many(self, memories, arena):
        return sorted(memories, key=lambda memory: memory.as_of)[:-KEEPS]


class Tidy(Words):
    async def remember(self, memory):
        await super().remember(memory.model_copy(update={"reasoning": " ".join(memory.reasoning.split())}))


class Hasty(Words):
    """Reads, changes and writes back, as if nobody else did."""

    async def remember(self, memory):
        before = await self.redis.hgetall("t:memories")
        before.setdefault(memory.arena_id.encode(), memory.model_dump_json())
        memories = [Memory.model_validate_json(packed) for packed in before.values()]
        for old in self.too_many(memories, memory.arena):
            del before[old.arena_id.encode()]
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.delete("t:memories").hset("t:memories", mapping=before)
            await pipeline.execute()


BACKENDS = {
    Words: "",
    Pretender: "m01",
    Trusting: "m02",
    Sour: "m02",
    Inclusive: "m03",
    Prophet: "m04",
    Rewriting: "m05",
    Impressionable: "m06",
    Strict: "m06",
    Leaky: "m07",
    Talkative: "m08",
    Unsorted: "m08 m09",
    Silent: "m09 m13",
    Indifferent: "m10",
    Private: "m06 m08 m11 m14",
    Hoarding: "m12",
    Crowded: "m12",
    Tidy: "m13",
    Hasty: "m14",
}


def given(kind):
    """A base class whose plugins are one that gives this backend."""
    module = ModuleType("faulty")
    record = MemoryBackendSpec(name="faulty", factory=kind)
    module.maf_memory_backends = hookimpl(lambda: [record])

    @pytest.fixture
    def plugins(self):
        return PluginManager.load(Selection(), [Candidate("faulty", "maf-faulty", "1", module=module)])

    @pytest.fixture
    def keeps(self):
        return KEEPS

    return type("Given", (), {"plugins": plugins, "keeps": keeps, "name": record.name})


for backend, breaks in BACKENDS.items():
    name = f"TestMemoryOf{backend.__name__}"
    globals()[name] = type(name, (given(backend), MemoryBackendConformance), {"breaks": breaks})
