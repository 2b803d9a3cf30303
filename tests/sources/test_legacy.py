"""Adapters from before `freshness_spec`: what is known of them, and that nothing unknown looks fresh."""

from __future__ import annotations

import pytest

from maf_core import (
    BaseSource,
    ExternalFreshness,
    KeyFreshness,
    RequestResponseFreshness,
    SourceConfig,
    SourceResult,
    StreamFreshness,
)
from maf_core.sources.freshness import Freshness, UnknownFreshness, probe, streams_of
from maf_core.sources.legacy import KNOWN, freshness_of, tells_freshness


class Old(BaseSource):
    """An adapter of a plugin that knows nothing of `freshness_spec`."""

    async def fetch(self, query):
        return SourceResult(None)


class Told(Old):
    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness("t:told")


class Duck:
    """One that is not even a `BaseSource`."""

    async def fetch(self, query):
        return SourceResult(None)


def named(name: str) -> type[BaseSource]:
    return type("Named", (Old,), {"name": name})


def answering(answer) -> type[BaseSource]:
    return type("Answering", (Old,), {"freshness_spec": classmethod(lambda cls, config: answer())})


@pytest.mark.parametrize(
    ("name", "config", "spec"),
    [
        ("alpaca_news", SourceConfig(), ExternalFreshness()),
        ("fomo2_reports", SourceConfig(), StreamFreshness("fomo2:reports")),
        ("fomo2_reports", {"stream": "other:reports"}, StreamFreshness("other:reports")),
        ("fomo2_requests", SourceConfig(), RequestResponseFreshness("fomo2:requests", "fomo2:responses")),
        ("mirofish_sim", None, KeyFreshness("mirofish:sim:*", "mirofish:sims:emitted")),
        ("trtools2_indicators", {}, StreamFreshness("trtools2:indicators:1d")),
        ("trtools2_indicators", {"timeframe": "1h"}, StreamFreshness("trtools2:indicators:1h")),
        ("somebodys_prices", SourceConfig(), UnknownFreshness()),
    ],
)
def test_an_old_adapter_gets_what_is_known_of_its_name(name, config, spec):
    assert named(name).freshness_spec(config) == spec
    assert freshness_of(name, Duck, config) == spec


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_name_has_a_spec_without_a_configuration(name):
    assert not isinstance(named(name).freshness_spec(None), UnknownFreshness)


def test_an_adapter_without_a_name_is_unknown():
    assert Old.freshness_spec(SourceConfig()) == UnknownFreshness()


def test_what_an_adapter_says_itself_counts():
    assert freshness_of("fomo2_reports", Told, SourceConfig()) == StreamFreshness("t:told")
    assert [tells_freshness(kind) for kind in (Told, Old, Duck)] == [True, False, False]


def _raise():
    raise LookupError("no config")


@pytest.mark.parametrize("answer", [_raise, lambda: None, lambda: "t:stream"])
def test_an_adapter_that_says_nonsense_is_unknown(answer):
    assert freshness_of("mine", answering(answer), SourceConfig()) == UnknownFreshness()


async def test_unknown_is_neither_fresh_nor_external(redis):
    found = await probe(redis, UnknownFreshness())
    assert found == Freshness("unknown", 0, None)
    assert found != await probe(redis, ExternalFreshness())
    assert streams_of(UnknownFreshness()) == []
