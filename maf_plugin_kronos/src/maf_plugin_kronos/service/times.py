"""When the bars to come open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from maf_core.bars import seconds_of

_DAY = 86_400
_SATURDAY = 5


def next_opens(opens: Sequence[datetime], timeframe: str, horizon: int) -> list[datetime]:
    """The opening times of the next `horizon` bars after `opens`.

    One timeframe apart; daily bars skip the weekend, unless the past ones did not (crypto trades on).
    """
    length = seconds_of(timeframe)
    skips_weekends = length == _DAY and all(moment.weekday() < _SATURDAY for moment in opens)
    found: list[datetime] = []
    moment = opens[-1]
    while len(found) < horizon:
        moment += timedelta(seconds=length)
        if not (skips_weekends and moment.weekday() >= _SATURDAY):
            found.append(moment)
    return found
