"""The source `fomo2_reports`: reports that name a symbol, or one report by its id."""

from __future__ import annotations

from typing import Any

from maf_core import SourceQuery
from maf_core.sources.fields import symbol_of
from maf_core.sources.reports import parse_report
from maf_core.sources.window import Known, WindowSource
from maf_plugin_fomo2.config import ReportsConfig

# Under this key stand the reports of all symbols: ids are without number, so they are no keys.
_ALL = ""


class ReportsSource(WindowSource):
    """Answers with {id, title, text, cut, symbols, created_at, source, url, sentiment} rows; known from `created_at`.

    A target with a `report_id` gets that report alone; else its `ticker` or `symbol` counts.
    """

    name = "fomo2_reports"
    Config = ReportsConfig
    config: ReportsConfig
    untrusted = True

    def key_of(self, query: SourceQuery) -> str:
        """The symbol; for a report by its id, all of them."""
        return _ALL if query.target.get("report_id") else symbol_of(query)

    def fits(self, query: SourceQuery, item: Known) -> bool:
        """The report that is asked for by its id, if one is."""
        return query.target.get("report_id") in (None, "", item.identity)

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read a report under the usual names of its fields."""
        report = parse_report(payload)
        return [_ALL, *report.symbols], Known(report.as_of, report.id, report.row(self.config.max_chars))
