"""Stage 2 of MiroFish: who takes part."""

from __future__ import annotations

from typing import Any

from maf_plugin_mirofish.testing.answers import Reply, ok, refused
from maf_plugin_mirofish.testing.asked import Asked
from maf_plugin_mirofish.testing.world import Row, World, new_id, now

# Not among them: created, and paused, which is what a stopped simulation is.
_PREPARED = ("ready", "preparing", "running", "completed", "stopped", "failed")
_SIMPLE = ("simulation_id", "project_id", "graph_id", "status", "entities_count", "profiles_count", "config_generated")


def create(world: World, asked: Asked) -> Reply:
    """A simulation of a project that has a graph."""
    if not asked.body.get("project_id"):
        return refused(400)
    project = world.projects.get(asked.body["project_id"])
    if project is None:
        return refused(404)
    graph_id = asked.body.get("graph_id") or project["graph_id"]
    if not graph_id:
        return refused(400)
    simulation = _simulation(project["project_id"], graph_id, asked.body)
    world.simulations[simulation["simulation_id"]] = simulation
    return ok(_shown(simulation))


def _simulation(project_id: str, graph_id: str, body: Row) -> Row:
    both = {name: body.get(name, True) for name in ("enable_twitter", "enable_reddit")}
    simulation: Row = {"simulation_id": new_id("sim"), "project_id": project_id, "graph_id": graph_id, **both}
    simulation |= {"status": "created", "entities_count": 0, "profiles_count": 0, "entity_types": [], "error": None}
    simulation |= {"config_generated": False, "config_reasoning": "", "current_round": 0, "created_at": now()}
    return {**simulation, "twitter_status": "not_started", "reddit_status": "not_started", "updated_at": now()}


def _shown(simulation: Row) -> Row:
    return dict(simulation)


def get_simulation(world: World, asked: Asked) -> Reply:
    """One simulation."""
    found = world.simulations.get(asked.name)
    return ok(_shown(found)) if found else refused(404)


def list_simulations(world: World, asked: Asked) -> Reply:
    """Those of a project, or all."""
    wanted = asked.query.get("project_id")
    found = [_shown(one) for one in world.simulations.values() if wanted in (None, one["project_id"])]
    return ok(found, count=len(found))


def get_config(world: World, asked: Asked) -> Reply:
    """Who takes part and for how long."""
    simulation = world.simulations.get(asked.name)
    if simulation is None or not simulation["config_generated"]:
        return refused(404)
    agents = [{"agent_id": number, "entity_name": f"Agent {number}"} for number in range(world.agents)]
    time_config = {"total_simulation_hours": 72, "minutes_per_round": 60}
    return ok({"simulation_id": asked.name, "time_config": time_config, "agent_configs": agents, "event_config": {}})


def prepared(simulation: Row) -> bool:
    """By MiroFish's own measure: a preparation that is complete makes `preparing` `ready` when it is looked at."""
    both = simulation["enable_twitter"] and simulation["enable_reddit"]
    if not (simulation["config_generated"] and both and simulation["status"] in _PREPARED):
        return False
    if simulation["status"] == "preparing":
        simulation["status"] = "ready"
    return True


def _already(simulation: Row, **more: Any) -> Reply:
    info = {"status": simulation["status"], "entities_count": simulation["entities_count"], "existing_files": []}
    about = {"simulation_id": simulation["simulation_id"], "status": "ready", "message": "已准备"}
    return ok({**about, "already_prepared": True, "prepare_info": info, **more})


def prepare(world: World, asked: Asked) -> Reply:
    """Begin, unless it is done: then there is no task."""
    if not asked.body.get("simulation_id"):
        return refused(400)
    simulation = world.simulations.get(asked.body["simulation_id"])
    if simulation is None:
        return refused(404)
    if prepared(simulation) and not asked.body.get("force_regenerate"):
        return _already(simulation)
    world.pay("prepare")
    simulation.update(status="preparing", config_generated=False)
    nobody = world.troubled("no_entities")

    def done() -> Row:
        if nobody:  # a task that completed, and came to nothing
            simulation.update(status="failed", error="没有找到符合条件的实体")
        else:
            simulation.update(status="ready", config_generated=True, profiles_count=world.agents)
        return {**{name: simulation[name] for name in _SIMPLE}, "error": simulation["error"]}

    count = 0 if nobody else world.agents
    simulation["entities_count"] = count
    task_id = world.begin("prepare", world.seconds["prepare"], done, simulation_id=simulation["simulation_id"])
    answer = {"simulation_id": simulation["simulation_id"], "task_id": task_id, "status": "preparing", "message": "…"}
    return ok({**answer, "already_prepared": False, "expected_entities_count": count, "entity_types": []})


def prepare_status(world: World, asked: Asked) -> Reply:
    """With the simulation's id a finished preparation wins over the task."""
    simulation = world.simulations.get(str(asked.body.get("simulation_id")))
    task_id = asked.body.get("task_id")
    if simulation is not None and prepared(simulation):
        return _already(simulation, progress=100)
    if not task_id:
        if not asked.body.get("simulation_id"):
            return refused(400)
        about = {"simulation_id": asked.body["simulation_id"], "status": "not_started", "progress": 0, "message": "…"}
        return ok({**about, "already_prepared": False})
    task = world.tasks.get(task_id)
    return ok({**task.shown(), "already_prepared": False}) if task else refused(404)
