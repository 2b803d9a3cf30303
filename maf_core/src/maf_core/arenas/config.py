"""What an arena is: data, validated. Every key here does something."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from maf_core.arenas.fitting import END, misfits
from maf_core.errors import ConfigError
from maf_core.mistakes import PARTS_ONLY, MisfitError, Mistake, read_into, told
from maf_core.settings import BudgetLimits
from maf_core.yaml_lines import Document, read_document

ActionMode = Literal["auto", "semi", "manual"]
_NAME = r"^[a-z][a-z0-9_]*$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BindingConfig(_Model):
    """A source under the name by which agents ask for it. A gap in a `required` one can cause a replan.

    An `optional` one may be a source that no plugin here offers: it then always has a gap.
    """

    source: str
    config: dict[str, Any] = Field(default_factory=dict)
    required: bool = False
    optional: bool = False


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
    """A step of the run. `parallel`: all agents at once, each on its own copy; `sequential`: each sees the last.

    `debate`: the agents speak in turn, for `max_rounds` at most or until they agree, then the `judge` decides. `next`:
    the phase that follows, `end` to stop; by default the one below. `timeout_s`: instead of `limits.phase_timeout_s`.
    """

    name: str = Field(pattern=_NAME)
    pattern: Literal["parallel", "sequential", "debate"] = "sequential"
    agents: list[AgentConfig] = Field(min_length=1)
    max_rounds: int = Field(3, ge=1, le=20)
    judge: AgentConfig | None = None
    next: str | None = None
    timeout_s: float | None = Field(None, gt=0, allow_inf_nan=False)

    @property
    def members(self) -> list[AgentConfig]:
        """Everybody who speaks in this phase, the judge too."""
        return [*self.agents, self.judge] if self.judge else self.agents

    @model_validator(mode="after")
    def _fits(self) -> PhaseConfig:
        if self.name == END:
            raise ValueError(f"no phase can be called {END!r}: as next it ends the run")
        if self.pattern != "debate" and (self.judge or "max_rounds" in self.model_fields_set):
            raise ValueError(
                f"judge and max_rounds belong to the pattern debate; phase {self.name!r} is {self.pattern}"
            )
        if self.pattern == "debate" and (self.judge is None or len(self.agents) < 2):
            raise ValueError(f"the debate {self.name!r} needs at least two agents, and a judge to decide")
        return self


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
    """When to give up, in seconds, and after how many phases; and how much goes on at once.

    `phase_timeout_s`: what has finished by then counts. `max_agents_at_once`: of one run. `max_runs_at_once`: of this
    arena in one process.
    """

    agent_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    phase_timeout_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    run_timeout_s: float = Field(300.0, gt=0, allow_inf_nan=False)
    max_phases: int = Field(32, ge=1)
    max_agents_at_once: int | None = Field(None, ge=1)
    max_runs_at_once: int | None = Field(None, ge=1)


class SizingConfig(_Model):
    """How large an action is: `max_fraction` of the arena's equity times |score|, held for `horizon`."""

    max_fraction: float = Field(0.2, gt=0, le=1)
    horizon: str = "5d"


class AskingLimits(_Model):
    """How often, and for how many seconds in all, a source may be asked in one run. None: no limit."""

    calls: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


class BudgetConfig(_Model):
    """What language models may cost: `run`, in one run; `day`, in all runs of this arena in a day (UTC).

    `sources`, by binding: how often and how long it may be asked in one run.
    """

    run: BudgetLimits = BudgetLimits()
    day: BudgetLimits = BudgetLimits()
    sources: dict[str, AskingLimits] = Field(default_factory=dict)


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

    _document: Document = PrivateAttr(default_factory=Document)

    @property
    def document(self) -> Document:
        """The file it was read from, which knows on which line each part stands; an empty one if it was not."""
        return self._document

    @model_validator(mode="after")
    def _parts_fit(self, info: ValidationInfo) -> ArenaConfig:
        found = [] if info.context == PARTS_ONLY else list(misfits(self))
        if found:
            raise MisfitError(found)
        return self


def read_arena(path: Path) -> tuple[ArenaConfig | None, list[Mistake], Document]:
    """One arena from YAML, as far as it can be read, and everything that is wrong in it.

    Raises `ConfigError` for a file that is no YAML.
    """
    document = read_document(path)
    if document.data is None:
        raise ConfigError(f"{path}: the file is empty; an arena has at least a name and phases.")
    arena, mistakes = read_into(ArenaConfig, document)
    if arena is not None:
        arena._document = document
    return arena, mistakes, document


def load_arena(path: Path) -> ArenaConfig:
    """Read one arena from YAML. Raises `ConfigError`, a line for each mistake with its place in the file."""
    arena, mistakes, document = read_arena(path)
    if mistakes or arena is None:
        raise ConfigError(told(document, mistakes, str(path)))
    return arena
