"""What is said when a package for models is missing: the command to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from maf_core.errors import LLMError


@contextmanager
def llm_packages() -> Iterator[None]:
    """Turn an import that fails in this block into an `LLMError` with the command that mends it."""
    try:
        yield
    except ImportError as error:
        raise LLMError("Models need packages that are not installed. Run: pip install 'maf[llm]'") from error
