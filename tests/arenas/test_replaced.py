"""A binding of a source that has been replaced is told, but no mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from structlog.testing import capture_logs

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.oddity import replaced
from maf_core.cli.options import app_of
from maf_core.settings import Settings

PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]
WORDS = "'alpaca_news' has been replaced by 'trtools2_news': bind 'trtools2_news' instead."


def panel(**sources: str) -> dict:
    return {"name": "panel", "phases": PHASES, "sources": {name: {"source": it} for name, it in sources.items()}}


@pytest.fixture
def told(load, source):
    async def fetch(query):
        raise NotImplementedError

    plugins = load(replace(source("old", fetch), replaced_by="new"), source("new", fetch))

    def tell(**sources: str) -> list[str]:
        return [str(odd) for odd in replaced(plugins, [ArenaConfig.model_validate(panel(**sources))])]

    return tell


def test_only_what_has_been_replaced_is_told(told):
    assert told(a="old", b="new") == ["panel: warning: 'old' has been replaced by 'new': bind 'new' instead."]


def test_what_nobody_offers_is_another_matter(told):
    assert told(a="strange") == []


@pytest.fixture
def file(tmp_path):
    """A config folder's arena that binds what has been replaced."""
    (tmp_path / "arenas").mkdir()
    path = tmp_path / "arenas" / "panel.yaml"
    path.write_text(yaml.safe_dump(panel(bars="trtools2_bars", news="alpaca_news"), sort_keys=False))
    return path


def test_validate_warns_with_the_line_and_takes_the_arena(maf, file):
    line = file.read_text().splitlines().index("    source: alpaca_news") + 1
    done = maf("arena", "validate", str(file))
    assert (done.returncode, "is valid" in done.stdout) == (0, True)
    assert done.stderr == f"{file}:{line}:13: warning: {WORDS}\n"


async def test_a_service_warns_when_it_starts(redis_url, file):
    with capture_logs() as logs:
        async with app_of(Settings(redis_url=redis_url), file.parents[1]):
            pass
    (warning,) = [line for line in logs if line["event"] == "binding_of_replaced_source"]
    assert (warning["arena"], warning["reason"]) == ("panel", WORDS)
