"""The rules for memory backends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta

import pytest

from maf_core.context import AppContext
from maf_core.memory.backends import backend_of
from maf_core.memory.base import MemoryBackend, ranked
from maf_core.testing.conformance.base import Conformance, missing
from maf_core.testing.conformance.memory_samples import (
    HOSTILE,
    OTHER,
    SITUATION,
    at,
    decision,
    ids,
    outcome,
    recall,
    remember,
)

MakeBackend = Callable[[], MemoryBackend]


class MemoryBackendConformance(Conformance):
    """Rules for a memory backend.

    Must: `name`, `keeps`. May: `plugins`, `sections`. Never: `make_backend`.
    """

    @pytest.fixture
    def keeps(self) -> int:
        """Must: how many decisions of an arena it keeps; let `sections` make that few, but at least 8."""
        missing("keeps", "how many decisions of an arena it keeps under `sections`, at least 8.")

    @pytest.fixture
    def make_backend(self, context: AppContext) -> MakeBackend:
        """Never: make the backend as runs do."""
        return lambda: backend_of(context, self.name)

    def test_m01_factory(self, make_backend: MakeBackend) -> None:
        """MAF-M01 The factory takes the `AppContext` and gives a `MemoryBackend`.

        It is made when a run begins, when one is finished, and by the worker that waits for outcomes.
        """
        assert isinstance(make_backend(), MemoryBackend)

    @pytest.mark.asyncio
    async def test_m02_as_told(self, make_backend: MakeBackend) -> None:
        """MAF-M02 A decision is recalled as it was remembered, with its outcome and a finite score of at least 0.

        Agents read it as it is, and a run that is taken up again must find what it found before.
        """
        told = decision(1, target={"ticker": "AAPL", "depth": {"of": [1, 2.5, None, True]}}, untrusted=True)
        backend = make_backend()
        await backend.remember(told)
        await backend.outcome(told.arena_id, outcome(2))
        (found,) = await recall(backend)
        assert found.memory == told.model_copy(update={"outcome": outcome(2)})
        assert math.isfinite(found.score), f"its score is {found.score}"
        assert found.score >= 0, f"its score is {found.score}"

    @pytest.mark.asyncio
    async def test_m03_decided_before(self, make_backend: MakeBackend) -> None:
        """MAF-M03 What was decided at the asked moment or later is not recalled.

        A decision that saw its own future cannot be made again, and runs of one moment end in any order.
        """
        backend = make_backend()
        await remember(backend, map(decision, range(5)))
        for hour in range(5):
            assert await ids(backend, as_of=at(hour)) == {f"run-{before}" for before in range(hour)}, hour
            just_after = at(hour) + timedelta(microseconds=1)
            assert await ids(backend, as_of=just_after) == {f"run-{number}" for number in range(hour + 1)}, hour

    @pytest.mark.asyncio
    async def test_m04_outcome_known_before(self, make_backend: MakeBackend) -> None:
        """MAF-M04 An outcome that became known at the asked moment or later is not shown; the decision is.

        The outcome of a trade that is still open is the very thing that a run must not know.
        """
        backend = make_backend()
        await remember(backend, [decision(1)])
        await backend.outcome("run-1", outcome(3))
        for as_of, shown in ((at(2), None), (at(3), None), (at(3) + timedelta(microseconds=1), outcome(3))):
            (found,) = await recall(backend, as_of=as_of)
            assert found.memory.outcome == shown, f"asked as of {as_of}"

    @pytest.mark.asyncio
    async def test_m05_remembered_once(self, make_backend: MakeBackend) -> None:
        """MAF-M05 Remembering a decision again changes nothing, and its outcome stays.

        A run that is taken over is remembered again by whoever took it over, perhaps after its outcome came.
        """
        backend = make_backend()
        await remember(backend, [decision(1)])
        await backend.outcome("run-1", outcome(2))
        before = await recall(backend)
        await make_backend().remember(decision(1))
        await make_backend().remember(decision(1, as_of=at(9), verdict="SELL", situation=OTHER))
        assert await recall(backend) == before

    @pytest.mark.asyncio
    async def test_m06_first_outcome(self, make_backend: MakeBackend) -> None:
        """MAF-M06 The first outcome of a decision stays, and that of an unknown one is no error.

        Outcomes are delivered more than once, and most are of arenas without a memory.
        """
        backend = make_backend()
        await backend.outcome("nobody's", outcome(1))
        assert await recall(backend) == []
        await remember(backend, [decision(1)])
        for hour in (2, 2, 3):
            await make_backend().outcome("run-1", outcome(hour))
        (found,) = await recall(backend)
        assert found.memory.outcome == outcome(2)

    @pytest.mark.asyncio
    async def test_m07_own_arena(self, make_backend: MakeBackend) -> None:
        """MAF-M07 An arena recalls nothing of another's, whatever their names have in common.

        What one panel learnt says nothing about how another, with other agents and sources, should decide.
        """
        backend = make_backend()
        arenas = ("panel", "panel_2", "pan", "other")
        await remember(backend, [decision(n, arena=arena) for n, arena in enumerate(arenas)])
        for number, arena in enumerate(arenas):
            assert await ids(backend, arena=arena) == {f"run-{number}"}, arena
        assert await recall(backend, arena="nobody") == []

    @pytest.mark.asyncio
    async def test_m08_order(self, make_backend: MakeBackend) -> None:
        """MAF-M08 At most `limit`, the most alike first, then the newest, then by id; to the same question the same.

        A replay must come to the same decisions, and the order in which memories were written is chance.
        """
        backend = make_backend()
        made = [decision(n, as_of=at(n // 2), situation=(SITUATION, OTHER)[n % 3 == 0]) for n in range(6)]
        await remember(backend, made[::-2] + made[::2])
        found = await recall(backend, limit=100)
        assert found == ranked(found, 100)
        assert len(found) == len(made)
        for limit in (0, 1, 3):
            assert await recall(make_backend(), limit=limit) == found[:limit], f"limit {limit}"

    @pytest.mark.asyncio
    async def test_m09_newest_without_a_situation(self, make_backend: MakeBackend) -> None:
        """MAF-M09 With an empty situation and target the newest come first.

        `maf memory list` asks so.
        """
        backend = make_backend()
        await remember(backend, [decision(n, situation=(SITUATION, OTHER)[n % 2]) for n in (3, 1, 4, 2)])
        found = await recall(backend, situation="", target={})
        assert [one.memory.arena_id for one in found] == ["run-4", "run-3", "run-2", "run-1"]

    @pytest.mark.asyncio
    async def test_m10_alike(self, make_backend: MakeBackend) -> None:
        """MAF-M10 Of two memories or more, the one of the asked situation comes before those of quite another.

        A ranking that needs many texts to work is upside down while an arena is new.
        """
        backend = make_backend()
        await remember(backend, [decision(1)])
        for unlike in (2, 3, 4):
            await remember(backend, [decision(unlike, situation=OTHER, target={"ticker": "XOM"})])
            found = await recall(backend)
            assert found[0].memory.arena_id == "run-1", f"with {unlike - 1} others"
            assert found[0].score > found[1].score, f"with {unlike - 1} others"

    @pytest.mark.asyncio
    async def test_m11_new_instance(self, make_backend: MakeBackend) -> None:
        """MAF-M11 What one instance was told, another knows.

        Services restart, and the one that hears of an outcome is not the one that decided.
        """
        await make_backend().remember(decision(1))
        await make_backend().outcome("run-1", outcome(2))
        (found,) = await recall(make_backend())
        assert found.memory.outcome == outcome(2)

    @pytest.mark.asyncio
    async def test_m12_bounded(self, make_backend: MakeBackend, keeps: int) -> None:
        """MAF-M12 It keeps the newest `keeps` decisions of each arena, by when they were decided.

        A service decides for years; what it remembers must not grow with them, nor may one arena crowd out another.
        """
        backend = make_backend()
        await remember(backend, [decision(0, arena="quiet", arena_id="quiet-0")])
        await remember(backend, [decision(n) for n in range(1, keeps + 6)])
        await remember(backend, [decision(0)])
        kept = {f"run-{n}" for n in range(6, keeps + 6)}
        assert await ids(backend, limit=10 * keeps) == kept
        assert await ids(backend, limit=10 * keeps, arena="quiet") == {"quiet-0"}

    @pytest.mark.asyncio
    async def test_m13_hostile_text(self, make_backend: MakeBackend) -> None:
        """MAF-M13 Any text is kept as it is and can be asked with.

        Situations and reasons hold what models and news said; somebody will try to be more than text.
        """
        backend = make_backend()
        for number, text in enumerate(HOSTILE):
            about = {"arena": f"panel_{number}", "target": {"name": text}, "situation": text}
            told = [decision(10 * number + hour, reasoning=text, **about) for hour in (1, 2)]
            await remember(backend, told)
            for memory in told:
                await backend.outcome(memory.arena_id, outcome(3, text=text))
            found = await recall(backend, **about)
            expected = [memory.model_copy(update={"outcome": outcome(3, text=text)}) for memory in told]
            assert sorted((one.memory for one in found), key=lambda memory: memory.as_of) == expected, repr(text[:50])

    @pytest.mark.asyncio
    async def test_m14_at_once(self, make_backend: MakeBackend) -> None:
        """MAF-M14 Many at once, through several instances, lose nothing and keep nothing twice.

        A service runs several arenas at once, beside other services on the same server.
        """
        backends = [make_backend() for _ in range(3)]
        told = [decision(number) for number in range(8)]
        await asyncio.gather(*(backend.remember(memory) for backend in backends for memory in told))
        await asyncio.gather(
            *(backend.outcome(memory.arena_id, outcome(20)) for backend in backends for memory in told)
        )
        for found in await asyncio.gather(*(recall(backend, limit=50) for backend in [*backends, make_backend()])):
            assert sorted(one.memory.arena_id for one in found) == [memory.arena_id for memory in told]
            assert {one.memory.outcome for one in found} == {outcome(20)}
