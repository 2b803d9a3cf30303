"""What an arena is: data, validated. Every key here does something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maf_core.errors import ConfigError
from maf_core.settings import BudgetLimits, explain

ActionMode = Literal["auto", "semi", "manual"]
_NAME = r"^[a-z][a-z0-9_]*$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BindingConfig(_Model):
    """A source under the name by which agents ask for it. A gap in a `required` one can cause a replan."""

    source: str
    config: dict[str, Any] = Field(default_factory=dict)
    required: bool = False


class AgentConfig(_Model):
    """A panel member: its role (an agent some plugin offers), the bindings it reads, and the role's own options.

    `model`: what it asks; the arena's by default.
    """

    name: str = Field(pattern=_NAME)
    role: str
    model: str | None = None
    sources: list[str] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)


class PhaseConfig(_Model):
    """A step of the run. `parallel`: all agents at once, each on its own copy; `sequential`: each sees the last."""

    name: str = Field(pattern=_NAME)
    pattern: Literal["parallel", "sequential"] = "sequential"
    agents: list[AgentConfig] = Field(min_length=1)


class TriggerConfig(_Model):
    """A rule: when an entry on `on_stream` satisfies `when`, run the arena for `target`.

    `target`: one template for the target key, or a mapping of templates. `as_of`: a template for the moment at which
    the entry was known; by default its own `as_of` or `asof`, else the clock. `cooldown_s` counts in that time, per
    target.
    """

    id: str = Field(pattern=_NAME)
    on_stream: str
    when: str = "True"
    target: str | dict[str, str]
    as_of: str | None = None
    cooldown_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    action_mode: ActionMode | None = None


class LimitsConfig(_Model):
    """When to give up, in seconds, and after how many phases."""

    agent_timeout_s: float = Field(30.0, gt=0)
    run_timeout_s: float = Field(300.0, gt=0)
    max_phases: int = Field(32, ge=1)


class SizingConfig(_Model):
    """How large an action is: `max_fraction` of the arena's equity times |score|, held for `horizon`."""

    max_fraction: float = Field(0.2, gt=0, le=1)
    horizon: str = "5d"


class BudgetConfig(_Model):
    """What language models may cost: `run`, in one run; `day`, in all runs of this arena in a day (UTC).

    `sources`, by binding: how often and how long it may be asked in one run.
    """

    run: BudgetLimits = BudgetLimits()
    day: BudgetLimits = BudgetLimits()
    sources: dict[str, BudgetLimits] = Field(default_factory=dict)


class MemoryConfig(_Model):
    """Where this arena's decisions are remembered, and how many like ones a run recalls."""

    backend: str
    recall: int = Field(5, ge=0, le=50)


class ArenaConfig(_Model):
    """One arena. `model`: what its agents ask; the settings' `llm.model` by default."""

    name: str = Field(pattern=_NAME)
    summary: str = ""
    target_key: str = "ticker"
    model: str | None = None
    action_mode: ActionMode = "auto"
    max_iterations: int = Field(1, ge=0, le=10)
    sources: dict[str, BindingConfig] = Field(default_factory=dict)
    phases: list[PhaseConfig] = Field(min_length=1)
    triggers: list[TriggerConfig] = Field(default_factory=list)
    limits: LimitsConfig = LimitsConfig()
    sizing: SizingConfig = SizingConfig()
    budget: BudgetConfig = BudgetConfig()
    memory: MemoryConfig | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> ArenaConfig:
        agents = [agent for phase in self.phases for agent in phase.agents]
        _refuse_twice("phase", (phase.name for phase in self.phases))
        _refuse_twice("agent", (agent.name for agent in agents))
        _refuse_twice("trigger", (trigger.id for trigger in self.triggers))
        for agent in agents:
            for binding in agent.sources:
                if binding not in self.sources:
                    known = ", ".join(self.sources) or "none"
                    raise ValueError(f"agent {agent.name!r} reads {binding!r}, which is not under sources ({known})")
        return self


def load_arena(path: Path) -> ArenaConfig:
    """Read one arena from YAML. Raises `ConfigError` with the file and what is wrong in it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return ArenaConfig.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path} is not a valid arena: {explain(error)}") from error


def _refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} name {twice[0]!r} is used twice; names are unique in an arena")
