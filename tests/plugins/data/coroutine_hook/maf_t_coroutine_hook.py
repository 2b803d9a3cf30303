"""A hook that nobody would await."""

from maf_core import SourceSpec, hookimpl


@hookimpl
async def maf_sources():
    return [SourceSpec(name="never_awaited", factory="json:loads")]
