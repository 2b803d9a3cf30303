"""The rules for how a source tells its freshness."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from redis.asyncio import Redis

from maf_core.plugins import PluginManager
from maf_core.sources.catalog import configured
from maf_core.sources.freshness import ExternalFreshness, Freshness, FreshnessSpec, UnknownFreshness, probe
from maf_core.sources.legacy import tells_freshness
from maf_core.testing.conformance.source_fixtures import SourceFixtures


class FreshnessConformance(SourceFixtures):
    """Rules for a source's `freshness_spec`.

    Must: `name`, `entries`. May: `put`, `config`, `moments`, `plugins`. Never: `spec`.
    """

    @pytest.fixture
    def spec(self, plugins: PluginManager, config: dict[str, Any]) -> FreshnessSpec:
        """Never: the spec, from the class alone."""
        kind, parsed = configured(plugins, self.name, config)
        return kind.freshness_spec(parsed)

    def test_f01_kind(self, plugins: PluginManager, config: dict[str, Any], spec: FreshnessSpec) -> None:
        """MAF-F01 `freshness_spec` is a class method that gives one of the five kinds.

        Health is looked up without making the source, and by whoever knows the kinds only.
        """
        kind, _ = configured(plugins, self.name, config)
        assert tells_freshness(kind), "give it the class method `freshness_spec(cls, config)`"
        kinds = set(get_args(FreshnessSpec)) - {UnknownFreshness}
        assert type(spec) in kinds, f"{type(spec).__name__} is none of the kinds"

    def test_f02_same(self, plugins: PluginManager, config: dict[str, Any], spec: FreshnessSpec) -> None:
        """MAF-F02 The same configuration gives an equal spec.

        Bindings that look at the same place are probed once.
        """
        kind, parsed = configured(plugins, self.name, config)
        assert kind.freshness_spec(parsed) == spec

    @pytest.mark.asyncio
    async def test_f03_empty(self, redis: Redis, spec: FreshnessSpec) -> None:
        """MAF-F03 On an empty server the probe finds nothing and no age.

        A feed that never came must not look like one that just did.
        """
        found = await probe(redis, spec)
        assert found == Freshness(found.kind, 0, None)

    @pytest.mark.asyncio
    async def test_f04_sees_data(self, redis: Redis, spec: FreshnessSpec, put: Any, moments: Any) -> None:
        """MAF-F04 The probe sees what the source reads.

        A spec that names another stream or key says that a feed stalls when it does not, or the other way round.
        """
        await put(moments[0])
        found = await probe(redis, spec)
        assert found.count > 0 or isinstance(spec, ExternalFreshness), f"{spec} shows nothing of it"
