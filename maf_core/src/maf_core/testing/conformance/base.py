"""What all conformance classes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import pytest

from maf_core.context import AppContext
from maf_core.plugins import PluginManager, Selection


class Conformance:
    """Rules for one thing that a plugin gives.

    Subclass it in a test file as `class Test…`. Each docstring says which fixtures you must override, may override
    or never do.
    """

    name: ClassVar[str]

    @pytest.fixture
    def plugins(self) -> PluginManager:
        """May: the plugins to run with; by default all that are installed."""
        return PluginManager.load(Selection())

    @pytest.fixture
    def sections(self) -> dict[str, dict[str, Any]]:
        """May: settings of plugins, as under `plugins:` in `maf.yaml`; by default none."""
        return {}

    @pytest.fixture
    def context(
        self, make_context: Callable[..., AppContext], plugins: PluginManager, sections: dict[str, dict[str, Any]]
    ) -> AppContext:
        """Never: the application on the test server."""
        return make_context(plugins=plugins, sections=sections)


def missing(fixture: str, what: str) -> NoReturn:
    """Fail the test: its class does not give what it must."""
    pytest.fail(f"Override the fixture `{fixture}`: {what}", pytrace=False)
