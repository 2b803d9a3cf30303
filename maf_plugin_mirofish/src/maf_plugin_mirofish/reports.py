"""From an entry of the reports' stream to a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from maf_core import BadEntryError
from maf_core.sources.reports import Report, parse_report
from maf_core.streams.ids import written_at
from maf_plugin_mirofish.run import Run

_LONGEST_ID = 200
_LONGEST_TITLE = 300


def report_in(payload: Mapping[str, Any], entry_id: str) -> Report:
    """Read a report. One without a time is as old as its entry; one without an id gets one of its title and time.

    Raises `BadEntryError` for one without title and text, and for an id of more than 200 characters.
    """
    report = parse_report(payload, written_at(entry_id))
    if len(report.id) > _LONGEST_ID:
        raise BadEntryError(f"the report's id has {len(report.id)} characters, at most {_LONGEST_ID} are possible")
    return report


def run_for(report: Report, watched: Iterable[str], most_chars: int) -> Run | None:
    """A run about the first watched symbol that the report names; None when it names none."""
    wanted = {symbol.upper(): symbol for symbol in watched}
    named = [wanted[symbol] for symbol in report.symbols if symbol in wanted]
    if not named:
        return None
    return Run(
        id=report.id,
        symbol=named[0],
        symbols=named,
        title=" ".join(report.title.split())[:_LONGEST_TITLE],
        text=report.text[:most_chars],
        known_at=report.as_of,
        accepted_at=datetime.now(UTC),
    )
