"""A trigger on a stream that nobody here offers is told, but no mistake."""

from __future__ import annotations

import pytest
import yaml
from structlog.testing import capture_logs

from maf_core import ChannelSpec
from maf_core.arenas.config import ArenaConfig
from maf_core.channels.unoffered import unoffered
from maf_core.cli.options import app_of
from maf_core.settings import Settings

PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


def panel(*streams: str, name: str = "panel", **more) -> dict:
    rules = [{"id": f"r{index}", "on_stream": stream, "target": "x"} for index, stream in enumerate(streams)]
    return {"name": name, "phases": PHASES, "triggers": rules, **more}


def told(plugins, *arenas: dict) -> list[str]:
    made = [ArenaConfig.model_validate(arena) for arena in arenas]
    return [odd.words for odd in unoffered(plugins, {arena.name: arena for arena in made})]


def test_what_plugins_and_arenas_offer_is_known(load):
    plugins = load(ChannelSpec(name="mine", stream="mine:levels"))
    assert told(plugins, panel("mine:levels", "maf:events", "maf:arena:other:output"), panel(name="other")) == []


def test_what_an_arenas_source_reads_is_known(load, source):
    async def fetch(query):
        raise NotImplementedError

    plugins = load(source("bars", fetch))
    assert told(plugins, panel("made:bars", sources={"bars": {"source": "bars"}})) == []
    assert len(told(plugins, panel("made:bars"))) == 1


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ("mine:level", "trigger 'r0' watches 'mine:level', which nobody here offers. Did you mean 'mine:levels'?"),
        (
            "strange",
            "trigger 'r0' watches 'strange', which nobody here offers. It is fine if another program writes it.",
        ),
    ],
)
def test_what_nobody_offers_is_told_with_the_nearest(load, stream, words):
    assert told(load(ChannelSpec(name="mine", stream="mine:levels")), panel(stream)) == [words]


def test_another_trigger_on_the_same_stream_does_not_make_it_known(load):
    assert len(told(load(), panel("strange"), panel("strange", name="other"))) == 2


def test_validate_warns_with_the_line_and_takes_the_arena(maf, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(panel("maf:arena:beside:output", "maf:evnts", name="mine"), sort_keys=False))
    (tmp_path / "beside.yaml").write_text(yaml.safe_dump(panel(name="beside")))
    (tmp_path / "broken.yaml").write_text("{")
    line = path.read_text().splitlines().index("  on_stream: maf:evnts") + 1
    done = maf("--no-plugins", "arena", "validate", str(path))
    assert (done.returncode, "is valid" in done.stdout) == (0, True)
    assert done.stderr == (
        f"{path}:{line}:14: warning: trigger 'r1' watches 'maf:evnts', which nobody here offers."
        " Did you mean 'maf:events'?\n"
    )


async def test_a_service_warns_when_it_starts(tmp_path, redis_url, monkeypatch):
    monkeypatch.setenv("MAF_PLUGINS", "")
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "mine.yaml").write_text(yaml.safe_dump(panel("maf:evnts", name="mine")))
    with capture_logs() as logs:
        async with app_of(Settings(redis_url=redis_url), tmp_path):
            pass
    (warning,) = [line for line in logs if line["event"] == "trigger_watches_unknown_stream"]
    assert warning["arena"] == "mine"
    assert "Did you mean 'maf:events'?" in warning["reason"]
