"""Raises when it is asked."""

from maf_core import hookimpl


@hookimpl
def maf_sources():
    raise LookupError("the moon is full")
