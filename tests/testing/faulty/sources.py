"""Sources, each with one fault. `breaks` names the rules that must find it; the first has none."""

from __future__ import annotations

import itertools
from types import ModuleType

import pytest

from maf_core import (
    BadEntryError,
    BaseSource,
    SourceConfig,
    SourceResult,
    SourceSpec,
    StreamFreshness,
    StreamView,
    hookimpl,
)
from maf_core.clock import parse_time
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.streams.codec import decode
from maf_core.streams.raw import entries
from maf_core.testing import FreshnessConformance, SourceConformance


def rows(payload):
    try:
        known = parse_time(payload["ts"])
        yield payload["symbol"], known.timestamp(), (known, {"level": payload["level"], "tags": ["a"]})
    except KeyError as error:
        raise BadEntryError(str(error)) from error


class Levels(BaseSource):
    """A sound source, made of parts that the others replace."""

    name = "levels"
    parse = staticmethod(rows)

    def __init__(self, redis, config):
        super().__init__(redis, config)
        self.view = StreamView(redis, "t:levels", self.parse)

    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness("t:levels")

    async def known(self, query):
        return await self.view.latest(query.target["ticker"], query.as_of.timestamp(), 5)

    def data(self, found):
        return [dict(row, tags=list(row["tags"])) for _, row in found]

    def nothing(self):
        return SourceResult(None, gaps=("no_levels",))

    async def fetch(self, query):
        found = await self.known(query)
        return SourceResult(self.data(found), found[-1][0]) if found else self.nothing()


class Renamed(Levels):
    name = "other"


class Demanding(Levels):
    class Config(SourceConfig):
        path: str


class Loose(Levels):
    class Config(SourceConfig, extra="ignore"):
        pass


class Raising(Levels):
    def nothing(self):
        raise LookupError("nothing there")


class Neutral(Levels):
    def nothing(self):
        return SourceResult([], gaps=())


class Indiscriminate(Levels):
    async def known(self, query):
        return await self.view.latest("AAPL", query.as_of.timestamp(), 5)


class Clairvoyant(Levels):
    async def known(self, query):
        return await self.view.latest(query.target["ticker"], 1e12, 5)


class Undated(Levels):
    async def fetch(self, query):
        found = await self.known(query)
        return SourceResult(self.data(found)) if found else self.nothing()


class Tuples(Levels):
    def data(self, found):
        return [("level", row["level"]) for _, row in found]


class Brittle(Levels):
    async def known(self, query):
        for _, fields in entries(await self.redis.xrange("t:levels")):
            decode(fields)["ts"]
        return await super().known(query)


class Chatty(Levels):
    async def known(self, query):
        for _ in range(9):
            await self.redis.ping()
        return await super().known(query)


class Growing(Levels):
    asked = 0

    async def known(self, query):
        self.asked += 1
        for _ in range(self.asked):
            await self.redis.ping()
        return await super().known(query)


class Fickle(Levels):
    def __init__(self, redis, config):
        super().__init__(redis, config)
        self.count = itertools.count()

    def data(self, found):
        return [next(self.count)]


class Generous(Levels):
    def data(self, found):
        return [row for _, row in found]


class Unprobed(Levels):
    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness("t:elsewhere")


class Unknown(Levels):
    @classmethod
    def freshness_spec(cls, config):
        return object()


class Nameless(Levels):
    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness(None)


class Old(Levels):
    freshness_spec = BaseSource.freshness_spec


class Moody(Levels):
    count = itertools.count()

    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness(f"t:{next(cls.count)}")


class Given:
    name = "levels"

    @pytest.fixture
    def plugins(self):
        module = ModuleType("faulty")
        module.maf_sources = hookimpl(lambda: [SourceSpec(name="levels", factory=self.source)])
        return PluginManager.load(Selection(), [Candidate("faulty", "maf-faulty", "1", module=module)])

    @pytest.fixture
    def entries(self):
        return lambda as_of: {"t:levels": {"symbol": "AAPL", "ts": as_of.isoformat(), "level": as_of.day}}


FAULTS = {
    Levels: "",
    Renamed: "s01",
    Loose: "s03",
    Raising: "s04 s05 s06",
    Neutral: "s04 s05 s06",
    Indiscriminate: "s05",
    Clairvoyant: "s06 s07",
    Undated: "s08",
    Tuples: "s09",
    Brittle: "s10",
    Chatty: "s11",
    Growing: "s11",
    Fickle: "s12 s13",
    Generous: "s13",
}
for kind, breaks in FAULTS.items():
    name = f"Test{kind.__name__}"
    globals()[name] = type(name, (Given, SourceConformance), {"source": kind, "breaks": breaks})


class TestDemanding(Given, SourceConformance):
    source, breaks = Demanding, "s02"

    @pytest.fixture
    def config(self):
        return {"path": "x"}


class TestForgetful(SourceConformance):
    """It says nothing about its entries."""

    source, name = Levels, "levels"
    plugins = Given.plugins
    breaks = "s05 s06 s07 s08 s09 s10 s11 s12 s13"


for kind, breaks in {
    Levels: "",
    Unprobed: "f04",
    Unknown: "f01 f02 f03 f04",
    Nameless: "f03 f04",
    Old: "f01 f04",
    Moody: "f02 f04",
}.items():
    name = f"TestFreshnessOf{kind.__name__}"
    globals()[name] = type(name, (Given, FreshnessConformance), {"source": kind, "breaks": breaks})
