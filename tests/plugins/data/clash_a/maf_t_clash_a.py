"""One of two plugins that give a record of the same name."""

from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources():
    yield SourceSpec(name="shared_prices", factory="json:loads")
