"""What this plugin offers: the broker and its command."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import CommandSpec, WorkerSpec, hookimpl


@hookimpl
def maf_workers() -> Iterator[WorkerSpec]:
    """The broker."""
    yield WorkerSpec(
        name="paper",
        factory="maf_plugin_paper.broker:PaperBroker",
        summary="executions and bars → fills and outcomes",
    )


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf paper`."""
    yield CommandSpec(
        name="paper", factory="maf_plugin_paper.cli:cli", summary="See what the paper broker holds and earned."
    )
