"""Takes its time to be imported, as a plugin does that imports torch at its top."""

import time

from maf_core import SourceSpec, hookimpl

time.sleep(0.6)


@hookimpl
def maf_sources():
    yield SourceSpec(name="slow_prices", factory="json:loads")
