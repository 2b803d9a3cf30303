from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources():
    yield SourceSpec(name="my_levels", factory="maf_plugin_mine.source:MyLevels", summary="Price levels of mine")
