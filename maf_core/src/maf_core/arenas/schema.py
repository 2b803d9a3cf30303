"""The JSON Schema of an arena's YAML, for editors: they complete keys, show what each does, and mark mistakes."""

from __future__ import annotations

from typing import Any

from maf_core.arenas.config import ArenaConfig

# What an editor shows beside a key, by the model that has it.
DESCRIPTIONS: dict[str, dict[str, str]] = {
    "ArenaConfig": {
        "name": "The arena's name, unique among all arenas: lowercase letters, digits, _.",
        "summary": "What the arena decides, in one line; maf arena list shows it.",
        "target_key": 'What a decision is about. "ticker": trading actions; anything else: generic decisions.',
        "model": '"rules" (no model), "provider:model" or "profile:NAME"; by default the settings\' llm.model.',
        "action_mode": "auto: trades if the risk gate lets it; semi: a person approves; manual: recorded only.",
        "max_iterations": "How often the replan agent may send a run back for another round.",
        "sources": "What the arena reads: each source under the name by which agents ask for it.",
        "phases": "The steps of a run, in order.",
        "triggers": "What sets a run off.",
        "limits": "When to give up, and how much goes on at once.",
        "sizing": "How large an action is.",
        "budget": "What a run, or a day, may cost.",
        "memory": "Where decisions and what came of them are remembered.",
    },
    "BindingConfig": {
        "source": "A source that some plugin offers: maf sources list.",
        "config": "The source's own settings, see its page.",
        "optional": "true: a source that no plugin here offers is a gap, not a mistake.",
        "required": "A gap here can cause a replan, and stops a BUY or SELL at the risk gate.",
    },
    "PhaseConfig": {
        "name": 'The phase\'s name, unique in the arena; not "end".',
        "pattern": "parallel: all at once, each on its own copy; sequential: each sees what the last one wrote; "
        "debate: in turn, until they agree.",
        "agents": "Who works in this phase.",
        "max_rounds": "After how many rounds a debate is over, agreed or not.",
        "judge": "Who decides a debate.",
        "next": 'The phase that follows, or "end" to stop; by default the one below.',
        "timeout_s": "Seconds that this phase may take; what has finished by then counts. Instead of "
        "limits.phase_timeout_s.",
    },
    "AgentConfig": {
        "name": "The agent's name, unique in the arena.",
        "role": "An agent that some plugin offers: maf plugins list --all.",
        "model": "What it asks; by default the arena's model.",
        "sources": "The bindings that it reads, by their names under sources.",
        "options": "The role's own settings.",
    },
    "TriggerConfig": {
        "id": "The rule's name, unique in the arena.",
        "on_stream": "The stream whose entries are looked at.",
        "when": "An expression over payload; the rule fires when it is true, e.g. payload.c > 100.",
        "target": "A template for the target, e.g. {payload.symbol}; or a mapping of templates.",
        "as_of": "A template for the moment at which the entry was known; by default its as_of, else the clock.",
        "cooldown_s": "Seconds for which the rule is then silent about this target, counted in the data's time.",
        "action_mode": "Instead of the arena's, for runs that this rule sets off.",
    },
    "LimitsConfig": {
        "agent_timeout_s": "Seconds after which an agent counts as failed.",
        "phase_timeout_s": "Seconds that a phase may take; what has finished by then counts.",
        "run_timeout_s": "Seconds after which a run is given up and says HOLD.",
        "max_phases": "How many phases a run may go through, repeated ones included.",
        "max_agents_at_once": "How many agents of one run work at a time.",
        "max_runs_at_once": "How many runs of this arena one process carries out at a time.",
    },
    "SizingConfig": {
        "max_fraction": "The largest action, as a fraction of the arena's equity; times |score| is its size.",
        "horizon": "For how long an action is meant, e.g. 5d.",
    },
    "BudgetConfig": {
        "run": "What language models may cost in one run.",
        "day": "What they may cost in all runs of this arena in a day (UTC).",
        "sources": "How often and how long a binding may be asked in one run, by its name.",
    },
    "BudgetLimits": {
        "tokens": "Tokens, in and out together.",
        "usd": "US dollars.",
        "calls": "Calls of models.",
        "seconds": "Seconds of waiting for models.",
    },
    "AskingLimits": {
        "calls": "Calls of the source.",
        "seconds": "Seconds of waiting for the source.",
    },
    "MemoryConfig": {
        "backend": "A memory that some plugin offers.",
        "recall": "How many like decisions a run recalls.",
    },
}


def arena_schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) of one arena."""
    schema = ArenaConfig.model_json_schema()
    for title, part in {"ArenaConfig": schema, **schema["$defs"]}.items():
        part["description"] = part["description"].split("\n")[0]
        for key, known in part["properties"].items():
            known.pop("title", None)
            known["description"] = DESCRIPTIONS[title][key]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A MAF arena"}
