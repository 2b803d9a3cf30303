"""Stage 1 of MiroFish: projects, ontologies and graphs."""

from __future__ import annotations

from typing import Any

from maf_plugin_mirofish.testing.answers import Reply, html, ok, refused
from maf_plugin_mirofish.testing.asked import Asked
from maf_plugin_mirofish.testing.world import Row, World, new_id, now


def generate_ontology(world: World, asked: Asked) -> Reply:
    """The project stands from the beginning, without an ontology until the model has answered."""
    if not asked.form.get("simulation_requirement") or not asked.files:
        return refused(400)
    files = [(name, text) for name, text in asked.files if name.rsplit(".", 1)[-1] in ("pdf", "md", "txt", "markdown")]
    if not files:
        return refused(400)
    project = _project(asked.form, files)
    world.projects[project["project_id"]] = project
    world.pay("ontology")
    if world.troubled("ontology_failed"):
        return refused(500, "模型没有回答", traceback="Traceback …")
    project["status"] = "ontology_generated"
    project["ontology"] = {"entity_types": [{"name": "Person"}, {"name": "Organization"}], "edge_types": []}
    keys = ("project_id", "name", "ontology", "analysis_summary", "files", "total_text_length")
    data = {key: project[key] for key in keys}
    return ok({**data, "project_name": data.pop("name")})


def _project(form: dict[str, str], files: list[tuple[str, str]]) -> Row:
    project: Row = {"project_id": new_id("proj"), "name": form.get("project_name", "Unnamed Project")}
    project |= {"status": "created", "created_at": now(), "updated_at": now(), "ontology": None}
    project |= {"files": [{"filename": name, "size": len(text)} for name, text in files], "analysis_summary": "…"}
    project |= {"total_text_length": sum(len(text) for _, text in files), "graph_id": None, "error": None}
    project |= {"graph_build_task_id": None, "simulation_requirement": form["simulation_requirement"]}
    return {**project, "chunk_size": 500, "chunk_overlap": 50}


def list_projects(world: World, asked: Asked) -> Reply:
    """The newest first."""
    found = list(reversed(world.projects.values()))[: int(asked.query.get("limit", "50"))]
    return ok(found, count=len(found))


def get_project(world: World, asked: Asked) -> Reply:
    """One project."""
    project = world.projects.get(asked.name)
    return ok(project) if project else refused(404)


def delete_project(world: World, asked: Asked) -> Reply:
    """Only a message comes back."""
    return ok(message="项目已删除") if world.projects.pop(asked.name, None) else refused(404)


def build(world: World, asked: Asked) -> Reply:
    """Begin to build; a second time only with `force`."""
    project = world.projects.get(str(asked.body.get("project_id")))
    if not asked.body.get("project_id"):
        return refused(400)
    if project is None:
        return refused(404)
    if project["status"] == "created":
        return refused(400)
    if project["status"] == "graph_building" and not asked.body.get("force"):
        return refused(400, "图谱正在构建中", task_id=project["graph_build_task_id"])
    project.update(graph_id=None, error=None, status="graph_building")

    def built() -> Row:
        project.update(status="graph_completed", graph_id=new_id("mirofish", 16))
        return {"project_id": project["project_id"], "graph_id": project["graph_id"], "node_count": 9}

    world.pay("build")
    project["graph_build_task_id"] = world.begin("build", world.seconds["build"], built)
    return ok({"project_id": project["project_id"], "task_id": project["graph_build_task_id"], "message": "开始"})


def get_task(world: World, asked: Asked) -> Reply:
    """One task, for as long as the process lives that made it."""
    task = world.tasks.get(asked.name)
    return ok(task.shown()) if task else refused(404)


def list_tasks(world: World, asked: Asked) -> Reply:  # noqa: ARG001
    """Its bug: it breaks as soon as there is something to list."""
    found: list[Any] = []
    return html(500) if world.tasks else ok(found, count=0)
