"""Writes to standard output while it is imported."""

from maf_core import SourceSpec, hookimpl

print("noisy was here")


@hookimpl
def maf_sources():
    yield SourceSpec(name="noisy_prices", factory="json:loads")
