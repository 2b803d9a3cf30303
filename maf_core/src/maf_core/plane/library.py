"""The library of ready-made trigger rules: what plugins offer, each file read again when it changes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maf_core.arenas.config import TriggerConfig
from maf_core.errors import ConfigError, MAFError, PluginError
from maf_core.mistakes import MisfitError, Mistake, mistakes_in, told
from maf_core.plane.triggers import uncompiled
from maf_core.plugins import PluginManager
from maf_core.plugins.readers import Contribution
from maf_core.records import FactoryRecord, TriggerTemplatesSpec
from maf_core.yaml_lines import read_document

log = structlog.get_logger(__name__)


class TriggerTemplate(BaseModel):
    """A rule to copy into an arena. `needs`: the streams it reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    summary: str = Field(min_length=1)
    needs: list[str] = Field(min_length=1)
    rule: TriggerConfig

    @model_validator(mode="after")
    def _rule_works(self) -> TriggerTemplate:
        wrong = [Mistake(("rule", *at), why) for at, why in uncompiled(self.rule)]
        if self.rule.on_stream not in self.needs:
            wrong.append(Mistake(("needs",), f"needs lacks {self.rule.on_stream!r}, which the rule watches"))
        if wrong:
            raise MisfitError(wrong)
        return self

    def as_yaml(self) -> str:
        """The rule, to paste under `triggers:` of an arena, with what it is for."""
        rule = [self.rule.model_dump(exclude_unset=True)]
        text = yaml.safe_dump(rule, sort_keys=False, width=10_000, allow_unicode=True)
        about = [f"# {' '.join(line.split())}" for line in (self.title, self.summary)]
        return "\n".join(f"  {line}" for line in [*about, f"# Needs: {', '.join(self.needs)}", *text.splitlines()])


@dataclass(frozen=True, slots=True)
class Offered:
    """A template and the plugin it is of."""

    template: TriggerTemplate
    plugin: str


@dataclass(frozen=True, slots=True)
class _File:
    """What was found in a file, or what is wrong with it; `stamp` changes when the file does."""

    stamp: tuple[Path, int, int, int] | None
    templates: tuple[TriggerTemplate, ...] = ()
    fault: str = ""


class TemplateLibrary:
    """The templates of all plugins of an application."""

    def __init__(self, plugins: PluginManager) -> None:
        self._plugins = plugins
        self._files: dict[str, _File] = {}
        self._clashes: dict[str, str] = {}

    def templates(self) -> dict[str, Offered]:
        """Every template by id, as the files are now.

        A file that is not valid gives none, and an id that is given twice belongs to nobody; a warning says so, once
        for each change. Nothing is raised: one plugin's mistake must not hide what the others offer.
        """
        found: dict[str, list[Offered]] = defaultdict(list)
        for given in self._plugins.given("maf_trigger_templates"):
            for template in self._read(given):
                found[template.id].append(Offered(template, given.plugin))
        self._refuse({name: offers for name, offers in found.items() if len(offers) > 1})
        return {name: offers[0] for name, offers in sorted(found.items()) if len(offers) == 1}

    def _read(self, given: Contribution) -> tuple[TriggerTemplate, ...]:
        if not isinstance(given.record, TriggerTemplatesSpec):
            return ()
        known = self._files.get(given.record.name)
        found = _look(given.record, known)
        if found.fault and found != known:
            log.warning("trigger_templates_not_used", plugin=given.plugin, reason=found.fault)
        self._files[given.record.name] = found
        return found.templates

    def _refuse(self, rivals: dict[str, list[Offered]]) -> None:
        clashes = {name: " and ".join(offer.plugin for offer in offers) for name, offers in rivals.items()}
        for name in clashes.keys() - self._clashes.keys():
            reason = f"template {name!r} is given by {clashes[name]}: none is used. One of them must rename it."
            log.warning("trigger_template_refused", template=name, reason=reason)
        self._clashes = clashes


def template_file(record: FactoryRecord) -> Path:
    """Where the templates of a record are; raises `PluginError` when its factory does not say."""
    try:
        return Path(record.load()())
    except MAFError:
        raise
    except Exception as error:  # a plugin's factory may raise whatever it likes
        what = f"{type(error).__name__}: {error}"
        raise PluginError(f"the factory of {record.name!r} gives no path of templates: {what}") from error


def load_templates(path: Path) -> tuple[TriggerTemplate, ...]:
    """Read one file. Raises `ConfigError`, a line for each mistake with its place in the file."""
    document = read_document(path)
    if not isinstance(document.data, list):
        raise ConfigError(f"{path}: this should be a list of templates.")
    templates: list[TriggerTemplate] = []
    mistakes: list[Mistake] = []
    for index, item in enumerate(document.data):
        try:
            template = TriggerTemplate.model_validate(item)
        except ValidationError as error:
            mistakes += mistakes_in(error.errors(), TriggerTemplate, document, (index,))
            continue
        if any(template.id == other.id for other in templates):
            mistakes.append(Mistake((index, "id"), f"the id {template.id!r} is given twice; ids are unique"))
        templates.append(template)
    if mistakes:
        raise ConfigError(told(document, mistakes, str(path)))
    return tuple(templates)


def _look(record: FactoryRecord, known: _File | None) -> _File:
    """The file as it is now; `known` when it has not changed since."""
    stamp = None
    try:
        stamp = _stamp(template_file(record))
        if known is not None and known.stamp == stamp:
            return known
        return _File(stamp, load_templates(stamp[0]))
    except MAFError as error:
        return _File(stamp, fault=str(error))


def _stamp(path: Path) -> tuple[Path, int, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return path, state.st_ino, state.st_mtime_ns, state.st_size
