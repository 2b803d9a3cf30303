"""A hook under a name that nobody calls."""

from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sorces():
    yield SourceSpec(name="never_seen", factory="json:loads")
