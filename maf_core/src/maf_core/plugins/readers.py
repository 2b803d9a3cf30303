"""Ask one plugin for its records, hook by hook, and check what comes back."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pluggy

from maf_core.errors import PluginError
from maf_core.records import (
    AgentSpec,
    ArenaSpec,
    ChannelSpec,
    CommandSpec,
    DashboardRouterSpec,
    LLMProviderSpec,
    MemoryBackendSpec,
    PublisherSpec,
    Record,
    RefresherSpec,
    RiskCheckSpec,
    RouterSpec,
    SourceSpec,
    TriggerTemplatesSpec,
    WorkerSpec,
)

HOOKS: dict[str, type[Record]] = {
    "maf_agents": AgentSpec,
    "maf_arenas": ArenaSpec,
    "maf_channels": ChannelSpec,
    "maf_commands": CommandSpec,
    "maf_dashboard_routers": DashboardRouterSpec,
    "maf_envelope_publishers": PublisherSpec,
    "maf_llm_providers": LLMProviderSpec,
    "maf_memory_backends": MemoryBackendSpec,
    "maf_outbox_routers": RouterSpec,
    "maf_refreshers": RefresherSpec,
    "maf_risk_checks": RiskCheckSpec,
    "maf_sources": SourceSpec,
    "maf_trigger_templates": TriggerTemplatesSpec,
    "maf_workers": WorkerSpec,
}


@dataclass(frozen=True, slots=True)
class Contribution:
    """A record and who gave it."""

    hook: str
    record: Record
    plugin: str
    distribution: str


def reject_coroutine_hooks(module: Any) -> None:
    """Refuse `async def` hooks: nobody would await them, so they would do nothing."""
    for name in HOOKS:
        hook = getattr(module, name, None)
        if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
            raise PluginError(
                f"hook {name} is a coroutine. Hooks are plain functions that return records; "
                "move what is asynchronous into what the record's factory makes."
            )


def read_contributions(manager: pluggy.PluginManager, name: str, distribution: str) -> list[Contribution]:
    """Call every hook of the plugin `name`, alone, and return its validated records.

    Raises `PluginError` with a sentence when a hook returns anything but records of its own kind.
    """
    others = [plugin for plugin in manager.get_plugins() if manager.get_name(plugin) != name]
    found: list[Contribution] = []
    for hook, kind in HOOKS.items():
        for answer in manager.subset_hook_caller(hook, others)():
            found += [Contribution(hook, record, name, distribution) for record in _records(hook, kind, answer)]
    return found


def _records(hook: str, kind: type[Record], answer: Any) -> Iterable[Record]:
    if answer is None:
        return
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
        raise PluginError(f"hook {hook} returned {type(answer).__name__}; return or yield {kind.__name__} records.")
    for record in answer:
        if not isinstance(record, kind):
            raise PluginError(f"hook {hook} gave {type(record).__name__}; give {kind.__name__} records.")
        if not record.name or not isinstance(record.name, str):
            raise PluginError(f"hook {hook} gave a {kind.__name__} without a name; give it a non-empty one.")
        yield record
