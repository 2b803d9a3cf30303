"""Adapters that were written before `freshness_spec` existed: what is known of their freshness, by their names.

Nothing is to be added here: a new adapter says it itself, and an old one leaves this table when it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from maf_core.sources.base import BaseSource
from maf_core.sources.freshness import (
    ExternalFreshness,
    FreshnessSpec,
    KeyFreshness,
    RequestResponseFreshness,
    StreamFreshness,
    UnknownFreshness,
)

log = structlog.get_logger(__name__)

SpecFactory = Callable[[Any], FreshnessSpec]


def _always(spec: FreshnessSpec) -> SpecFactory:
    return lambda _: spec


def _reports(config: Any) -> FreshnessSpec:
    return StreamFreshness(_set(config, "stream") or "fomo2:reports")


def _indicators(config: Any) -> FreshnessSpec:
    return StreamFreshness(_set(config, "stream") or f"trtools2:indicators:{_set(config, 'timeframe') or '1d'}")


_EXTERNAL = _always(ExternalFreshness())

KNOWN: dict[str, SpecFactory] = {
    "alpaca_bars": _EXTERNAL,
    "alpaca_news": _EXTERNAL,
    "alpaca_snapshot": _EXTERNAL,
    "fomo2_reports": _reports,
    "fomo2_requests": _always(RequestResponseFreshness("fomo2:requests", "fomo2:responses")),
    "mirofish_sim": _always(KeyFreshness("mirofish:sim:*", "mirofish:sims:emitted")),
    "polymarket_clob": _EXTERNAL,
    "polymarket_gamma": _EXTERNAL,
    "questdb_bars": _EXTERNAL,
    "trtools2_indicators": _indicators,
}


def known_freshness(name: str, config: Any) -> FreshnessSpec:
    """What is known of the adapter of this name; `UnknownFreshness`, which never looks fresh, of all others."""
    return KNOWN[name](config) if name in KNOWN else UnknownFreshness()


def tells_freshness(kind: type[Any]) -> bool:
    """Whether an adapter says its freshness itself, instead of leaving it to this table."""
    return _function(kind) not in (None, _function(BaseSource))


def freshness_of(name: str, kind: type[Any], config: Any) -> FreshnessSpec:
    """Where to look for how fresh the data of the adapter `kind` is, offered under this name.

    An adapter is a plugin's code: one that raises, or answers something else, is unknown, with a warning.
    """
    if not tells_freshness(kind):
        return known_freshness(name, config)
    try:
        found = kind.freshness_spec(config)
    except Exception as error:  # noqa: BLE001
        found = error
    if isinstance(found, FreshnessSpec):
        return found
    log.warning("freshness_unknown", source=name, reason=f"its freshness_spec gives {type(found).__name__}: {found}")
    return UnknownFreshness()


def _function(kind: type[Any]) -> Any:
    found = getattr(kind, "freshness_spec", None)
    return getattr(found, "__func__", found)


def _set(config: Any, key: str) -> str | None:
    """What a binding's configuration says, whatever class an old adapter has for it."""
    value = config.get(key) if isinstance(config, dict) else getattr(config, key, None)
    return str(value) if value else None
