"""Every hook a plugin can implement.

A hook is a declaration: a plain function that returns frozen records, quickly and without importing anything
heavy. Whatever is slow or asynchronous lives in what a record's `factory` makes. Put implementations in one
module, mark them with `hookimpl`, and name that module in the entry-point group `maf`:

    [project.entry-points.maf]
    mine = "maf_plugin_mine.plugin"
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from maf_core.records import (
        AgentSpec,
        ArenaSpec,
        ChannelSpec,
        CommandSpec,
        DashboardRouterSpec,
        LLMProviderSpec,
        MemoryBackendSpec,
        PublisherSpec,
        RefresherSpec,
        RiskCheckSpec,
        RouterSpec,
        SourceSpec,
        TriggerTemplatesSpec,
        WorkerSpec,
    )

hookspec = pluggy.HookspecMarker("maf")
hookimpl = pluggy.HookimplMarker("maf")

# --- what a decision is made from -----------------------------------------------------------------


@hookspec
def maf_sources() -> Iterable[SourceSpec]:  # type: ignore[empty-body]
    """Offer source adapters.

    The factory is a `BaseSource` subclass.

    Example:
        from maf_core import SourceSpec, hookimpl

        @hookimpl
        def maf_sources():
            yield SourceSpec(name="my_prices", factory="maf_plugin_mine.source:MyPrices", summary="Prices of mine")
    """


@hookspec
def maf_refreshers() -> Iterable[RefresherSpec]:  # type: ignore[empty-body]
    """Offer refreshers, which fill a cache for watched targets ahead of need.

    The factory is called with an `AppContext` and returns a `Worker`.

    Example:
        from maf_core import RefresherSpec, hookimpl

        @hookimpl
        def maf_refreshers():
            yield RefresherSpec(name="my_prices", factory="maf_plugin_mine.refresher:MyRefresher")
    """


@hookspec
def maf_channels() -> Iterable[ChannelSpec]:  # type: ignore[empty-body]
    """Name the streams that a plugin reads or writes, for `maf channels list` and whoever looks for data.

    Example:
        from maf_core import ChannelSpec, hookimpl

        @hookimpl
        def maf_channels():
            yield ChannelSpec(name="my_prices", stream="mine:prices", summary="Prices, one entry a trade")
    """


@hookspec
def maf_trigger_templates() -> Iterable[TriggerTemplatesSpec]:  # type: ignore[empty-body]
    """Offer ready-made trigger rules, for `maf trigger templates` and whoever writes an arena.

    The factory is called without arguments and returns the path of a YAML file: a list of templates, each with `id`,
    `title`, `summary`, `needs` (the streams it reads) and `rule` (as under `triggers:` of an arena).

    Example:
        from pathlib import Path
        from maf_core import TriggerTemplatesSpec, hookimpl

        @hookimpl
        def maf_trigger_templates():
            yield TriggerTemplatesSpec(name="mine", factory=lambda: Path(__file__).with_name("trigger_templates.yaml"))
    """


# --- who decides ------------------------------------------------------------------------------------


@hookspec
def maf_agents() -> Iterable[AgentSpec]:  # type: ignore[empty-body]
    """Offer agent roles, which arenas name in YAML.

    The factory is an `Agent` subclass.

    Example:
        from maf_core import AgentSpec, hookimpl

        @hookimpl
        def maf_agents():
            yield AgentSpec(name="my_specialist", factory="maf_plugin_mine.agents:MySpecialist")
    """


@hookspec
def maf_arenas() -> Iterable[ArenaSpec]:  # type: ignore[empty-body]
    """Ship arenas. An arena of the same name in the user's config folder wins.

    The factory is called without arguments and returns the path of the arena's YAML file.

    Example:
        from pathlib import Path
        from maf_core import ArenaSpec, hookimpl

        @hookimpl
        def maf_arenas():
            yield ArenaSpec(name="my_arena", factory=lambda: Path(__file__).with_name("my_arena.yaml"))
    """


@hookspec
def maf_llm_providers() -> Iterable[LLMProviderSpec]:  # type: ignore[empty-body]
    """Offer a place where language models answer; arenas name it before the colon of `model:`.

    The factory is called with the `LLMSettings` and returns an `LLMProvider`. Where settings give it another name
    (`llm.providers.NAME.kind`), the name is the second argument.

    Example:
        from maf_core import LLMProviderSpec, hookimpl

        @hookimpl
        def maf_llm_providers():
            yield LLMProviderSpec(name="my_models", factory="maf_plugin_mine.llm:MyProvider")
    """


@hookspec
def maf_memory_backends() -> Iterable[MemoryBackendSpec]:  # type: ignore[empty-body]
    """Offer a memory of decisions and of what came of them; arenas name it under `memory:`.

    The factory is called with an `AppContext` and returns a `MemoryBackend`.

    Example:
        from maf_core import MemoryBackendSpec, hookimpl

        @hookimpl
        def maf_memory_backends():
            yield MemoryBackendSpec(name="my_memory", factory="maf_plugin_mine.memory:MyMemory")
    """


# --- where a decision goes --------------------------------------------------------------------------


@hookspec
def maf_envelope_publishers() -> Iterable[PublisherSpec]:  # type: ignore[empty-body]
    """Publish the versioned envelope of an arena.

    The factory is called with an `AppContext` and returns an object with `async publish(run: FinishedRun) -> str`,
    which gives the id of the stream entry.

    Example:
        from maf_core import PublisherSpec, hookimpl

        @hookimpl
        def maf_envelope_publishers():
            yield PublisherSpec(name="my_arena", arena="my_arena", factory="maf_plugin_mine.stream:MyPublisher")
    """


@hookspec
def maf_outbox_routers() -> Iterable[RouterSpec]:  # type: ignore[empty-body]
    """Take the decisions of arenas with a given `target_key`.

    The factory is called with an `AppContext` and returns an object with `async publish(run: FinishedRun) -> str`.

    Example:
        from maf_core import RouterSpec, hookimpl

        @hookimpl
        def maf_outbox_routers():
            yield RouterSpec(name="my_outbox", target_key="pr_id", factory="maf_plugin_mine.outbox:MyOutbox")
    """


@hookspec
def maf_risk_checks() -> Iterable[RiskCheckSpec]:  # type: ignore[empty-body]
    """Add checks to the risk gate; an action must pass all of them.

    The factory is called with an `AppContext` and returns an object with
    `async check(action: TradingAction) -> CheckResult`, or `async check(action, book: RiskBook)` when it has to know
    the trading state, what is open and what went before. A check that raises, takes longer than `risk.check_timeout_s`
    or answers anything else rejects the action.

    Example:
        from maf_core import RiskCheckSpec, hookimpl

        @hookimpl
        def maf_risk_checks():
            yield RiskCheckSpec(name="my_limit", factory="maf_plugin_mine.risk:MyLimit", priority=50)
    """


# --- what runs beside -------------------------------------------------------------------------------


@hookspec
def maf_workers() -> Iterable[WorkerSpec]:  # type: ignore[empty-body]
    """Run something for as long as the service runs.

    The factory is called with an `AppContext` and returns a `Worker`. A worker that raises is made anew after a
    growing delay.

    Example:
        from maf_core import WorkerSpec, hookimpl

        @hookimpl
        def maf_workers():
            yield WorkerSpec(name="my_broker", factory="maf_plugin_mine.broker:MyBroker")
    """


@hookspec
def maf_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """Add a command to `maf`.

    The factory is a click command or group; it is imported when the command is used.

    Example:
        from maf_core import CommandSpec, hookimpl

        @hookimpl
        def maf_commands():
            yield CommandSpec(name="mine", factory="maf_plugin_mine.cli:cli", summary="What it does")
    """


@hookspec
def maf_dashboard_routers() -> Iterable[DashboardRouterSpec]:  # type: ignore[empty-body]
    """Add routes to the dashboard, under `/api/NAME`.

    The factory is called without arguments and returns a FastAPI `APIRouter`; its routes reach the running
    application through `maf_core.dashboard.state.get_maf_app`.

    Example:
        from maf_core import DashboardRouterSpec, hookimpl

        @hookimpl
        def maf_dashboard_routers():
            yield DashboardRouterSpec(name="mine", factory="maf_plugin_mine.dashboard:make_router")
    """
