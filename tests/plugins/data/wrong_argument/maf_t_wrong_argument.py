"""A hook that wants an argument no hook is given."""

from maf_core import hookimpl


@hookimpl
def maf_sources(settings):
    return settings
