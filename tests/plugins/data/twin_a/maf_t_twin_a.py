"""One of two distributions that claim the same plugin name."""

from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources():
    yield SourceSpec(name="twin_a_prices", factory="json:loads")
