"""A plugin as it should be."""

from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources():
    yield SourceSpec(name="good_prices", factory="json:loads", summary="Prices")
