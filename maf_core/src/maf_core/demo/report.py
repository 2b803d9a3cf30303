"""The table at the end of the demo."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from maf_core.demo.scene import Result


def show(result: Result, console: Console) -> None:
    """Print the figures, and what does not add up."""
    summary = result.summary
    table = Table(title="What happened", show_header=False, title_justify="left")
    for label, value in _rows(result):
        table.add_row(label, value)
    console.print(table)
    for name, arena in summary["arenas"].items():
        console.print(_arena(name, arena))
    if not result.wrong:
        console.print("Every trigger is found again as a run, an envelope, an action and an execution.")


def _rows(result: Result) -> list[tuple[str, str]]:
    found, paper = result.summary, result.paper
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(result.verdicts.items()))
    return [
        ("Bars played", f"{found['bars_in']} ({found['bars_rejected']} rejected)"),
        (
            "Forecasts",
            f"{found['forecasts']} by {found['forecast_backend']}, {found['forecasts_emitted']} of them moved",
        ),
        ("Decisions", f"{verdicts} (model: {found['model_used']})"),
        ("Paper broker", f"{found['fills']} fills, {found['outcomes']} closed, {found['open_positions']} open"),
        (
            "Profit and loss",
            f"{found['pnl']:+,.2f} USD after {paper['fees']:,.2f} fees and {paper['slippage']:,.2f} slippage",
        ),
        ("Decisions digest", found["decisions_digest"][:16]),
        ("Time", f"{found['elapsed_s']:.1f} s"),
    ]


def _arena(name: str, counts: dict[str, int]) -> Table:
    table = Table(title=f"Arena {name}", title_justify="left")
    for label in counts:
        table.add_column(label.replace("_", " "), justify="right")
    table.add_row(*(str(count) for count in counts.values()))
    return table
