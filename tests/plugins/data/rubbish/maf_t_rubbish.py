"""Answers with something that is no record."""

from maf_core import hookimpl


@hookimpl
def maf_sources():
    return [42]
