"""The rules for sources."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.plugins import PluginManager
from maf_core.sources.base import BaseSource, SourceQuery, SourceResult
from maf_core.sources.catalog import configured
from maf_core.testing.conformance.server import commands_of, put_garbage
from maf_core.testing.conformance.source_fixtures import SourceFixtures
from maf_core.testing.static.record_rules import STRAY_KEY

_A_MOMENT = timedelta(milliseconds=1)


class SourceConformance(SourceFixtures):
    """Rules for a source.

    Must: `name`, `entries`. May: `put`, `config`, `target`, `stranger`, `moments`, `plugins`, `required_keys` (none),
    `most_commands` (4). Never: `make_source`, `ask`.
    """

    most_commands: ClassVar[int] = 4
    required_keys: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def ask(
        self, make_source: Callable[[], BaseSource], target: dict[str, Any]
    ) -> Callable[[datetime], Awaitable[SourceResult]]:
        """Never: ask a new instance about the target."""
        return lambda as_of: make_source().fetch(SourceQuery(target, as_of))

    def test_s01_name(self, plugins: PluginManager, config: dict[str, Any]) -> None:
        """MAF-S01 The class has the name of its record.

        An arena binds the record's name, and gap markers carry the class's: a reader must see that they are one.
        """
        kind, _ = configured(plugins, self.name, config)
        assert kind.name == self.name, f"the class says {kind.name!r}"

    def test_s02_defaults(self, plugins: PluginManager, config: dict[str, Any]) -> None:
        """MAF-S02 The configuration has a default for every key but the `required_keys`.

        A binding without configuration is the first thing people write.
        """
        kind, _ = configured(plugins, self.name, config)
        needed = {key for key, field in kind.Config.model_fields.items() if field.is_required()}
        assert needed == set(self.required_keys), f"without a default are {sorted(needed)}"

    def test_s03_unknown_keys(self, plugins: PluginManager, config: dict[str, Any]) -> None:
        """MAF-S03 The configuration refuses unknown keys.

        A misspelt key that is ignored changes what an arena reads without a word.
        """
        kind, _ = configured(plugins, self.name, config)
        with pytest.raises(ValidationError, match=STRAY_KEY):
            kind.Config.model_validate({**config, STRAY_KEY: 1})

    @pytest.mark.asyncio
    async def test_s04_nothing_there(self, ask: Any, moments: Any) -> None:
        """MAF-S04 On an empty server the answer is no data and a `no_…` gap.

        Missing data must be visible to the panel; an exception is counted as a failed call.
        """
        _has_nothing(await ask(moments[0]))

    @pytest.mark.asyncio
    async def test_s05_unknown_target(self, put: Any, make_source: Any, stranger: Any, moments: Any) -> None:
        """MAF-S05 An unknown target gets no data and a `no_…` gap, and nobody else's data.

        A watch list holds symbols that a feed has never heard of.
        """
        await put(moments[0])
        _has_nothing(await make_source().fetch(SourceQuery(stranger, moments[1])))

    @pytest.mark.asyncio
    async def test_s06_not_before_it_was_known(self, put: Any, ask: Any, moments: Any) -> None:
        """MAF-S06 What becomes known at a moment is not answered a millisecond before, and is answered from then on.

        A decision that saw its own future cannot be made again, and says nothing about the next one.
        """
        await put(moments[0])
        _has_nothing(await ask(moments[0] - _A_MOMENT))
        assert (await ask(moments[0])).data is not None, "what is known by now is not answered"

    @pytest.mark.asyncio
    async def test_s07_later_entries_change_nothing(self, put: Any, ask: Any, moments: Any) -> None:
        """MAF-S07 An answer about the past stays the same when later data arrives.

        A replay, and a run that is taken up again, read streams in which the future stands already.
        """
        first, second = moments
        await put(first)
        before = await ask(second - _A_MOMENT)
        await put(second)
        after = await ask(second - _A_MOMENT)
        assert to_json(after.data) == to_json(before.data), "later data changed an earlier answer"
        assert after.as_of == before.as_of

    @pytest.mark.asyncio
    async def test_s08_says_when_it_was_known(self, put: Any, ask: Any, moments: Any) -> None:
        """MAF-S08 `as_of` of an answer is when its newest part became known.

        Every decision says how old its inputs were, and the core refuses an answer from the future by it.
        """
        for moment in moments:
            await put(moment)
            found = (await ask(moments[1] + _A_MOMENT)).as_of
            assert found == moment, f"as_of is {found}, and the newest part became known at {moment}"

    @pytest.mark.asyncio
    async def test_s09_json(self, put: Any, ask: Any, moments: Any) -> None:
        """MAF-S09 The data is plain JSON.

        It is saved with the run, so that one which is taken over goes on from it.
        """
        await put(moments[0])
        data = (await ask(moments[0])).data
        assert from_json(to_json(data, inf_nan_mode="constants")) == data, "the data is not what JSON keeps of it"

    @pytest.mark.asyncio
    async def test_s10_bad_entries(self, redis: Redis, put: Any, ask: Any, entries: Any, moments: Any) -> None:
        """MAF-S10 Entries that cannot be read are skipped.

        Other programs write to the same streams; one bad entry must not blind the panel.
        """
        await put_garbage(redis, entries(moments[0]))
        await put(moments[0])
        await put_garbage(redis, entries(moments[0]))
        assert (await ask(moments[0])).data is not None, "an entry that cannot be read hides the good one"

    @pytest.mark.needs("commandstats")
    @pytest.mark.asyncio
    async def test_s11_few_commands(self, redis: Redis, put: Any, make_source: Any, target: Any, moments: Any) -> None:
        """MAF-S11 Asking again costs the same few commands, at most `most_commands` (4).

        A service asks thousands of times an hour, beside everything else that the server does.
        """
        await put(moments[0])
        source, query = make_source(), SourceQuery(target, moments[1])
        await source.fetch(query)
        costs = [await commands_of(redis, lambda: source.fetch(query)) for _ in range(2)]
        assert costs[0] == costs[1], f"the same question costs {costs[0]}, then {costs[1]} commands"
        assert costs[0] <= self.most_commands, f"one question costs {costs[0]} commands"

    @pytest.mark.asyncio
    async def test_s12_shared(self, put: Any, make_source: Any, target: Any, moments: Any) -> None:
        """MAF-S12 One instance answers many at once.

        All runs of a service that bind the source with the same configuration share it.
        """
        await put(moments[0])
        source, query = make_source(), SourceQuery(target, moments[0])
        answers = await asyncio.gather(*(source.fetch(query) for _ in range(8)))
        assert len({to_json(answer.data) for answer in answers}) == 1, "the answers to one question differ"

    @pytest.mark.asyncio
    async def test_s13_own_copy(self, put: Any, make_source: Any, target: Any, moments: Any) -> None:
        """MAF-S13 Whoever changes an answer does not change the next one.

        What a source remembers must not be spoilt by an agent that sorts or empties a list it was given.
        """
        await put(moments[0])
        source, query = make_source(), SourceQuery(target, moments[0])
        answer = (await source.fetch(query)).data
        before = to_json(answer)
        _spoil(answer)
        assert to_json((await source.fetch(query)).data) == before, "the source gave away its own data"


def _has_nothing(answer: SourceResult) -> None:
    assert answer.data is None, f"there is nothing to answer with, and it answered {answer.data!r}"
    assert any(gap.startswith("no_") for gap in answer.gaps), f"no `no_…` gap among {answer.gaps!r}"


def _spoil(data: Any) -> None:
    """Empty every list and mapping, the inner ones first."""
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _spoil(part)
    if isinstance(data, dict | list):
        data.clear()
