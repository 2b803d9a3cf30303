"""The stand-in has the quirks of the service that it stands in for."""

from __future__ import annotations

import httpx
import pytest

from maf_core.testing import wait_until

G, S, R = "/api/graph", "/api/simulation", "/api/report"


@pytest.fixture
def http(mirofish):
    with httpx.Client(base_url=mirofish.url) as client:
        yield client


@pytest.fixture
def project(http):
    """The id of a project with an ontology."""
    form = {"simulation_requirement": "What happens?", "project_name": "p"}
    answer = http.post(f"{G}/ontology/generate", data=form, files={"files": ("a.md", b"text")})
    return answer.json()["data"]["project_id"]


@pytest.fixture
def post(http):
    """Post JSON; gives the data."""
    return lambda path, **body: http.post(path, json=body).json()["data"]


@pytest.fixture
async def prepared(http, post, project):
    """The id of a prepared simulation."""
    post(f"{G}/build", project_id=project)
    await wait_until(lambda: http.get(f"{G}/project/{project}").json()["data"]["graph_id"])
    simulation_id = post(f"{S}/create", project_id=project)["simulation_id"]
    post(f"{S}/prepare", simulation_id=simulation_id)
    await wait_until(lambda: post(f"{S}/prepare/status", simulation_id=simulation_id)["status"] == "ready")
    return simulation_id


def is_html(answer, status: int) -> bool:
    return answer.status_code == status and answer.headers["content-type"].startswith("text/html")


def test_what_flask_says_itself_is_html(http):
    assert is_html(http.get("/"), 404)
    assert is_html(http.get(f"{S}/prepare/status/x/y"), 404)
    assert is_html(http.get(f"{R}/generate/status/"), 404)
    assert is_html(http.get(f"{G}/build"), 405)
    assert is_html(http.post(f"{G}/build", content=b"a=1"), 415)
    assert is_html(http.post(f"{G}/build", content=b"{", headers={"content-type": "application/json"}), 400)
    assert http.get("/health").json() == {"status": "ok", "service": "MiroFish Backend"}


def test_bad_requests_are_refused_in_an_envelope(http, project):
    for path in (f"{G}/build", f"{S}/create", f"{S}/prepare", f"{S}/prepare/status", f"{S}/start", f"{R}/generate"):
        answer = http.post(path, json={})
        assert (answer.status_code, answer.json()["success"]) == (400, False), path
    assert http.post(f"{G}/ontology/generate", data={}, files={"files": ("a.md", b"")}).status_code == 400
    form = {"simulation_requirement": "?"}
    assert http.post(f"{G}/ontology/generate", data=form, files={"files": ("a.exe", b"x")}).status_code == 400
    assert http.post(f"{S}/create", json={"project_id": project}).status_code == 400  # no graph yet
    assert http.get(f"{G}/task/t").status_code == 404


def test_the_list_of_tasks_breaks_with_the_first_task(http, post, project):
    assert http.get(f"{G}/tasks").json() == {"success": True, "data": [], "count": 0}
    post(f"{G}/build", project_id=project)
    assert is_html(http.get(f"{G}/tasks"), 500)


def test_a_build_under_way_names_its_task(http, post, project, mirofish):
    mirofish.trouble("build_stuck")
    task_id = post(f"{G}/build", project_id=project)["task_id"]
    again = http.post(f"{G}/build", json={"project_id": project})
    assert (again.status_code, again.json()["task_id"]) == (400, task_id)
    assert post(f"{G}/build", project_id=project, force=True)["task_id"] != task_id


def test_a_restart_forgets_tasks_and_keeps_files(http, post, project, mirofish):
    task_id = post(f"{G}/build", project_id=project)["task_id"]
    mirofish.restart()
    assert http.get(f"{G}/task/{task_id}").status_code == 404
    assert http.get(f"{G}/project/{project}").json()["data"]["status"] == "graph_building"


async def test_what_is_prepared_has_no_task(prepared, post):
    answer = post(f"{S}/prepare", simulation_id=prepared)
    assert (answer["already_prepared"], "task_id" in answer) == (True, False)


async def test_what_is_stopped_is_paused_and_not_prepared(prepared, http, post):
    assert http.get(f"{S}/{prepared}/run-status").json()["data"]["runner_status"] == "idle"
    assert http.post(f"{S}/stop", json={"simulation_id": prepared}).status_code == 400
    post(f"{S}/start", simulation_id=prepared, platform="parallel", max_rounds=2)
    assert http.post(f"{S}/start", json={"simulation_id": prepared}).status_code == 400  # it runs
    post(f"{S}/start", simulation_id=prepared, max_rounds=2, force=True)
    assert post(f"{S}/stop", simulation_id=prepared)["runner_status"] == "stopped"
    assert http.get(f"{S}/{prepared}").json()["data"]["status"] == "paused"
    assert http.post(f"{S}/start", json={"simulation_id": prepared}).status_code == 400
    assert post(f"{S}/prepare/status", simulation_id=prepared)["status"] == "not_started"


async def test_one_platform_never_counts_as_prepared(http, post, project, prepared):
    other = post(f"{S}/create", project_id=project, enable_twitter=False)["simulation_id"]
    task_id = post(f"{S}/prepare", simulation_id=other)["task_id"]
    await wait_until(lambda: post(f"{S}/prepare/status", task_id=task_id)["status"] == "completed")
    assert post(f"{S}/prepare/status", simulation_id=other)["status"] == "not_started"


async def test_nobody_in_the_graph_completes_and_fails(http, post, project, mirofish, prepared):
    mirofish.trouble("no_entities")
    other = post(f"{S}/create", project_id=project)["simulation_id"]
    task_id = post(f"{S}/prepare", simulation_id=other)["task_id"]
    await wait_until(lambda: post(f"{S}/prepare/status", task_id=task_id)["status"] == "completed")
    assert post(f"{S}/prepare/status", task_id=task_id)["result"]["status"] == "failed"


async def test_the_rounds_are_those_asked_for(prepared, http, post):
    assert post(f"{S}/start", simulation_id=prepared, max_rounds=5)["total_rounds"] == 5
    assert http.post(f"{S}/start", json={"simulation_id": prepared, "max_rounds": 0}).status_code == 400
    assert post(f"{S}/start", simulation_id=prepared, force=True)["total_rounds"] == 72


async def test_an_old_report_answers_for_a_new_task(prepared, post):
    task_id = post(f"{R}/generate", simulation_id=prepared)["task_id"]
    await wait_until(lambda: post(f"{R}/generate/status", task_id=task_id)["status"] == "completed")
    assert post(f"{R}/generate", simulation_id=prepared)["already_generated"]
    new = post(f"{R}/generate", simulation_id=prepared, force_regenerate=True)["task_id"]
    both = post(f"{R}/generate/status", task_id=new, simulation_id=prepared)
    assert (both["status"], both["already_completed"]) == ("completed", True)


async def test_interviews_need_a_subprocess_and_are_kept(prepared, http, post):
    body = {"simulation_id": prepared, "interviews": [{"agent_id": 0, "prompt": "Well?", "platform": "reddit"}]}
    assert http.post(f"{S}/interview/batch", json=body).status_code == 400
    post(f"{S}/start", simulation_id=prepared, max_rounds=1)
    assert list(post(f"{S}/interview/batch", **body)["result"]["results"]) == ["reddit_0"]
    (kept,) = post(f"{S}/interview/history", simulation_id=prepared)["history"]
    assert kept["prompt"].endswith("Well?")
    assert kept["prompt"] != "Well?"
    post(f"{S}/close-env", simulation_id=prepared, timeout=1)
    assert post(f"{S}/env-status", simulation_id=prepared)["env_alive"] is False


def test_what_the_tables_do_not_know_is_noted(http, mirofish):
    http.post(f"{S}/start", json={"simulation_id": 1, "rounds": 5})
    assert len(mirofish.strays) == 2
    mirofish.strays.clear()
