"""The client's rules: what counts as an answer, and what each kind of failure is called."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from maf_plugin_mirofish.client import MiroFishClient
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.errors import AwayError, BrokenError, RefusedError
from maf_plugin_mirofish.models import Project, RunState, Task
from maf_plugin_mirofish.testing import Fault
from maf_plugin_mirofish.testing.answers import Reply, ok

ROUTE, PATH = "GET /api/graph/task/*", "/api/graph/task/t1"


@pytest.fixture
def asking(mirofish):
    """A client of the stand-in."""

    @asynccontextmanager
    async def make(**settings):
        client = MiroFishClient(MiroFishSettings(**{"url": mirofish.url, "timeout_s": 10, **settings}))
        try:
            yield client
        finally:
            await client.aclose()

    return make


@pytest.mark.parametrize(
    ("fault", "kind", "answered"),
    [
        (Fault.html(500), BrokenError, False),
        (Fault.html(502), BrokenError, False),
        (Fault.traceback(), BrokenError, True),
        (Fault.garbage(), BrokenError, False),
        (Fault.huge(9000), BrokenError, False),
        (Fault.wrong_types(), BrokenError, False),
        (Fault.reset(), BrokenError, False),
        (Fault(Reply(200, b"[1]")), BrokenError, False),
        (Fault(Reply(200, b'{"success": true}')), BrokenError, False),
        (Fault(Reply(200, b'{"success": "true", "data": {}}')), BrokenError, False),
        (Fault(Reply(204, b"")), BrokenError, False),
        (Fault(Reply(302, b"")), BrokenError, False),
    ],
)
async def test_what_is_no_answer(asking, mirofish, fault, kind, answered):
    mirofish.fail(ROUTE, fault)
    async with asking(max_answer_bytes=8000) as client:
        with pytest.raises(kind) as caught:
            await client.get(Task, PATH)
    assert caught.value.answered == answered


async def test_who_says_nothing_is_given_up(asking, mirofish):
    mirofish.fail(ROUTE, Fault.hang(30.0))
    async with asking(timeout_s=0.2) as client:
        with pytest.raises(BrokenError) as caught:
            await client.get(Task, PATH)
    assert not caught.value.answered


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.refused(200), 200),
        (Fault.refused(400), 400),
        (Fault.refused(404), 404),
        (Fault.refused(504), 504),
        (Fault.html(404), 404),
        (Fault.html(413), 413),
        (Fault.html(415), 415),
    ],
)
async def test_what_is_refused(asking, mirofish, fault, status):
    mirofish.fail(ROUTE, fault)
    async with asking() as client:
        with pytest.raises(RefusedError) as caught:
            await client.get(Task, PATH)
    assert caught.value.status == status


async def test_nobody_there_is_away(asking, mirofish):
    mirofish.stop()
    async with asking() as client:
        with pytest.raises(AwayError, match="Is MiroFish running there"):
            await client.get(Task, PATH)
        with pytest.raises(AwayError):
            await client.healthy()


async def test_something_else_on_the_port_is_not_well(asking, mirofish):
    mirofish.fail("GET /health", Fault(ok({"status": "ok"})))
    async with asking() as client:
        with pytest.raises(BrokenError, match="no MiroFish that is well"):
            await client.healthy()
        await client.healthy()


async def test_nulls_and_new_keys_do_no_harm(asking, mirofish):
    data = {"status": "completed", "result": None, "message": None, "error": None, "new": {"key": 1}}
    mirofish.fail(ROUTE, Fault(ok(data)))
    async with asking() as client:
        assert await client.get(Task, PATH) == Task(status="completed")


async def test_the_idle_form_has_fewer_fields(asking):
    async with asking() as client:
        state = await client.get(RunState, "/api/simulation/sim_1/run-status")
    assert (state.runner_status, state.total_actions_count, state.error) == ("idle", 0, "")


async def test_its_texts_are_shown_but_cut(asking, mirofish):
    mirofish.fail(ROUTE, Fault(Reply(400, b'{"success": false, "error": "' + b"x" * 5000 + b'"}')))
    async with asking() as client:
        with pytest.raises(RefusedError) as caught:
            await client.get(Task, PATH)
    assert len(str(caught.value)) < 400


async def test_an_id_that_is_no_path_breaks_nothing(asking):
    async with asking() as client:
        with pytest.raises((BrokenError, RefusedError)):
            await client.get(Project, "/api/graph/project/\x00\n../..")


@pytest.mark.parametrize("url", ["localhost:5001", "ftp://host", "", "http://user:secret@host:5001"])
def test_an_address_is_written_in_full(url):
    with pytest.raises(ValueError, match="http://host:port"):
        MiroFishSettings(url=url)
