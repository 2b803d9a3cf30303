"""Stage 5: ask those who took part, or who wrote about it, for a number."""

from __future__ import annotations

import random
from collections.abc import Sequence

from maf_plugin_mirofish.errors import AwayError, BrokenError, MiroFishError, RefusedError, StageError
from maf_plugin_mirofish.models import Answer, ChatAnswer, Said, SimulationConfig
from maf_plugin_mirofish.opinions import numbers_in, question
from maf_plugin_mirofish.run import Asked, Spoken
from maf_plugin_mirofish.stages.work import Work

# MiroFish waits for its agents itself; it must be the first to lose patience, so that its answer says so.
_GRACE_SECONDS = 15.0
_PLATFORM = "reddit"


class _Results(Answer):
    results: dict[str, Said]


class _Batch(Answer):
    result: _Results


class _History(Answer):
    history: list[Said]


async def opinion(work: Work) -> None:
    """Ask one after the other whom the settings name, until somebody gives a number. None is a failure, never 0.5."""
    reasons = []
    for whom in _left_to_ask(work):
        try:
            await (_ask_agents(work) if whom == "agents" else _ask_author(work))
        except AwayError:
            raise
        except MiroFishError as error:
            reasons.append(str(error))
            continue
        if numbers_in(work.progress.answers, work.settings.horizon_hours):
            await work.note(answered=True)
            return
        reasons.append(f"none of {len(work.progress.asked)} answers of the {whom} holds a probability")
    raise StageError("; ".join(reasons))


def _left_to_ask(work: Work) -> Sequence[Asked]:
    order, last = work.settings.ask, work.progress.asked_of
    return order[order.index(last) :] if last in order else order


async def _ask_agents(work: Work) -> None:
    """A sample of the agents, each once: who answered a worker that died since is not asked again."""
    if work.progress.asked_of != "agents":
        await _begin(work, "agents", await _sample(work))
        said: dict[int, str] = {}
    else:
        said = await _said_before(work)
    rest = [agent for agent in work.progress.asked if agent not in said]
    if rest:
        said |= await _interviewed(work, rest)
    answers = [Spoken(who=f"agent {agent}", text=said[agent]) for agent in work.progress.asked if agent in said]
    await work.note(answers=answers)


async def _begin(work: Work, whom: Asked, asked: list[int]) -> None:
    await work.note(asked_of=whom, asked=asked, answers=[])


async def _sample(work: Work) -> list[int]:
    """The same agents whoever draws them."""
    config = await work.client.get(SimulationConfig, f"/api/simulation/{work.progress.simulation_id}/config")
    agents = sorted({agent.agent_id for agent in config.agent_configs})
    if not agents:
        raise StageError("the simulation names no agents")
    chosen = random.Random(work.run.id).sample(agents, min(work.settings.agents_sample, len(agents)))
    return sorted(chosen)


async def _interviewed(work: Work, agents: list[int]) -> dict[int, str]:
    try:
        return await _interview(work, agents)
    except (RefusedError, BrokenError):
        said = await _said_before(work)  # some may have answered before it broke off
        if not said:
            raise
        return said


async def _interview(work: Work, agents: list[int]) -> dict[int, str]:
    prompt = question(work.run.symbol, work.settings.horizon_hours)
    body = {
        "simulation_id": work.progress.simulation_id,
        "interviews": [{"agent_id": agent, "prompt": prompt, "platform": _PLATFORM} for agent in agents],
        "platform": _PLATFORM,
        "timeout": work.settings.interview_timeout_s,
    }
    patience = work.settings.interview_timeout_s
    timeout_s = patience + min(patience, _GRACE_SECONDS)
    batch = await work.client.post(_Batch, "/api/simulation/interview/batch", body, timeout_s)
    return {said.agent_id: said.response for said in batch.result.results.values() if said.agent_id in agents}


async def _said_before(work: Work) -> dict[int, str]:
    prompt = question(work.run.symbol, work.settings.horizon_hours)
    body = {"simulation_id": work.progress.simulation_id, "platform": _PLATFORM, "limit": 1000}
    found = await work.client.post(_History, "/api/simulation/interview/history", body)
    # What is asked comes back with a sentence in front.
    return {said.agent_id: said.response for said in found.history if said.prompt.endswith(prompt)}


async def _ask_author(work: Work) -> None:
    if work.progress.asked_of == "report" and work.progress.answers:
        return
    await _begin(work, "report", [0])
    prompt = question(work.run.symbol, work.settings.horizon_hours)
    body = {"simulation_id": work.progress.simulation_id, "message": prompt, "chat_history": []}
    said = await work.client.post(ChatAnswer, "/api/report/chat", body, work.settings.chat_timeout_s)
    await work.note(answers=[Spoken(who="the report's author", text=said.response)])
