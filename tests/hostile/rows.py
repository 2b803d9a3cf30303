"""Every reader of a stream, a row each."""

from __future__ import annotations

from tests.hostile.books import BOOKS
from tests.hostile.looking import LOOKING
from tests.hostile.sources import SOURCES
from tests.hostile.workers import WORKERS

READERS = [*SOURCES, *WORKERS, *BOOKS, *LOOKING]
