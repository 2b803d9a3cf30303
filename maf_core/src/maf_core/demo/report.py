"""The table at the end of the demo."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from maf_core.demo.scene import Result

_CLOSING = "Every trigger is found again as a run, an envelope and a decision, every action as an execution."


def show(result: Result, console: Console) -> None:
    """Print the figures: what went in and came out, then each arena's way from triggers to executions."""
    console.print(_overview(result))
    console.print(_arenas(result.summary["arenas"]))
    if not result.wrong:
        console.print(_CLOSING)


def _overview(result: Result) -> Table:
    found, paper = result.summary, result.paper
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(result.verdicts.items()))
    costs = f"{paper['fees']:,.2f} fees and {paper['slippage']:,.2f} slippage"
    table = Table(title="What happened", show_header=False, title_justify="left")
    table.add_row("Bars played", f"{found['bars_in']:,} ({found['bars_rejected']} rejected)")
    table.add_row("Forecasts", f"{found['forecasts']:,} by {found['forecast_backend']}")
    table.add_row("  that moved", f"{found['forecasts_emitted']:,}")
    table.add_row("Decisions", f"{verdicts} (model: {found['model_used']})")
    table.add_row("Paper broker", f"{found['fills']} fills, {found['outcomes']} closed, {found['open_positions']} open")
    table.add_row("Profit and loss", f"{found['pnl']:+,.2f} USD after {costs}")
    if found["predictions"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found["predictions"].items())
        table.add_row("Crowd's predictions", kinds)
    table.add_row("Decisions digest", found["decisions_digest"][:16])
    table.add_row("Time", f"{found['elapsed_s']:.1f} s")
    return table


def _arenas(arenas: dict[str, dict[str, int]]) -> Table:
    table = Table(title="From triggers to executions", title_justify="left")
    table.add_column("")
    for name in arenas:
        table.add_column(name, justify="right")
    for stage in next(iter(arenas.values()), {}):
        table.add_row(stage.replace("_", " "), *(f"{counts[stage]:,}" for counts in arenas.values()))
    return table
