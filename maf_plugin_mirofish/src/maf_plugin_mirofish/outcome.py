"""What a run comes to: a probability with what it rests on, or a failure with its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.opinions import numbers_in, summary_of
from maf_plugin_mirofish.run import Run

_NOTES = {
    "agents": "The mean of what simulated people said when asked; not fitted to outcomes.",
    "report": "What the author of the simulation's report said when asked, a single voice; not fitted to outcomes.",
}


def completed(run: Run, settings: MiroFishSettings, now: datetime) -> dict[str, Any]:
    """The result of a run that is through all stages. `as_of`: when it became known."""
    progress = run.progress
    opinions = numbers_in(progress.answers, settings.horizon_hours)
    return {
        **_about(run, "completed", now),
        **summary_of(opinions),
        "horizon_hours": settings.horizon_hours,
        "asked_of": progress.asked_of,
        "agents_asked": len(progress.asked),
        "answered": len(opinions),
        "calibrated": False,
        "note": _NOTES[progress.asked_of or "report"],
        "title": progress.title,
        "summary": progress.summary,
        "simulation_id": progress.simulation_id,
        "mirofish_report_id": progress.report_id,
        "max_rounds": settings.max_rounds,
    }


def failed(run: Run, stage: str, reason: str, now: datetime) -> dict[str, Any]:
    """The failure of a run. `refunded`: whether it had been begun, so that its place in the budget is given back."""
    return {
        **_about(run, "failed", now),
        "stage": stage,
        "reason": reason,
        "refunded": bool(run.day),
        "simulation_id": run.progress.simulation_id,
    }


def _about(run: Run, status: str, now: datetime) -> dict[str, Any]:
    return {
        "status": status,
        "report_id": run.id,
        "symbol": run.symbol,
        "symbols": run.symbols,
        "report_title": run.title,
        "started_at": run.begun_at.isoformat() if run.begun_at else None,
        "finished_at": datetime.now(UTC).isoformat(),
        "as_of": max(run.known_at, now).isoformat(),
    }
