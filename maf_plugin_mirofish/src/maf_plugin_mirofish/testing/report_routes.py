"""Stage 4 of MiroFish, and the chat with its author."""

from __future__ import annotations

from maf_plugin_mirofish.testing.answers import Reply, ok, refused
from maf_plugin_mirofish.testing.asked import Asked
from maf_plugin_mirofish.testing.world import Row, World, new_id, now

_SUMMARY = "讨论中乐观情绪占上风"


def generate(world: World, asked: Asked) -> Reply:
    """Begin, unless there is a report already."""
    if not asked.body.get("simulation_id"):
        return refused(400)
    simulation = world.simulations.get(asked.body["simulation_id"])
    if simulation is None:
        return refused(404)
    simulation_id = simulation["simulation_id"]
    old = _of(world, simulation_id)
    if old and old["status"] == "completed" and not asked.body.get("force_regenerate"):
        about = {"simulation_id": simulation_id, "report_id": old["report_id"], "status": "completed"}
        return ok({**about, "message": "报告已存在", "already_generated": True})
    world.pay("report")
    report = _report(simulation)
    world.reports[report["report_id"]] = report
    task_id = _task(world, simulation_id, report)
    about = {"simulation_id": simulation_id, "report_id": report["report_id"], "task_id": task_id}
    return ok({**about, "status": "generating", "message": "…", "already_generated": False})


def _task(world: World, simulation_id: str, report: Row) -> str:
    def done() -> Row:
        outline = {"title": "预测报告", "summary": _SUMMARY, "sections": []}
        report.update(status="completed", outline=outline, markdown_content="# 预测报告", completed_at=now())
        return {"report_id": report["report_id"], "simulation_id": simulation_id, "status": "completed"}

    about = {"simulation_id": simulation_id, "graph_id": report["graph_id"], "report_id": report["report_id"]}
    return world.begin("report", world.seconds["report"], done, **about)


def _report(simulation: Row) -> Row:
    about = {name: simulation[name] for name in ("simulation_id", "graph_id")}
    report: Row = {"report_id": new_id("report"), **about, "simulation_requirement": "…", "status": "generating"}
    return {**report, "outline": None, "markdown_content": "", "created_at": now(), "completed_at": None, "error": None}


def _of(world: World, simulation_id: str) -> Row | None:
    """The first that is found, not the newest."""
    return next((one for one in world.reports.values() if one["simulation_id"] == simulation_id), None)


def generate_status(world: World, asked: Asked) -> Reply:
    """With the simulation's id an old report answers for a new task."""
    old = _of(world, str(asked.body.get("simulation_id")))
    if old and old["status"] == "completed":
        about = {"simulation_id": old["simulation_id"], "report_id": old["report_id"], "status": "completed"}
        return ok({**about, "progress": 100, "message": "…", "already_completed": True})
    if not asked.body.get("task_id"):
        return refused(400)
    task = world.tasks.get(asked.body["task_id"])
    return ok(task.shown()) if task else refused(404)


def check(world: World, asked: Asked) -> Reply:
    """Whether there is one."""
    found = _of(world, asked.name)
    status, report_id = (found["status"], found["report_id"]) if found else (None, None)
    about = {"simulation_id": asked.name, "has_report": found is not None, "report_status": status}
    return ok({**about, "report_id": report_id, "interview_unlocked": status == "completed"})


def by_simulation(world: World, asked: Asked) -> Reply:
    """The report itself."""
    found = _of(world, asked.name)
    return ok(found, has_report=True) if found else refused(404, has_report=False)


def get_report(world: World, asked: Asked) -> Reply:
    """One report."""
    found = world.reports.get(asked.name)
    return ok(found) if found else refused(404)


def chat(world: World, asked: Asked) -> Reply:
    """Ask the author."""
    if not asked.body.get("simulation_id") or not asked.body.get("message"):
        return refused(400)
    if asked.body["simulation_id"] not in world.simulations:
        return refused(404)
    world.pay("chat")
    return ok({"response": world.say(-1, asked.body["message"]), "tool_calls": [], "sources": []})
