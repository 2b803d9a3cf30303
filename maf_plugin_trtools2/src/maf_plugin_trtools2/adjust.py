"""Adjust a bar for splits and dividends."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from maf_core import BadEntryError, Bar


def adjusted(bar: Bar, adj_close: Any) -> Bar:
    """The bar with its prices multiplied, and its volume divided, by adj_close / close.

    Raises `BadEntryError` when `adj_close` is no positive price.
    """
    try:
        factor = float(adj_close) / bar.c
    except (TypeError, ValueError) as error:
        raise BadEntryError(f"adj_close {adj_close!r} is no number") from error
    if not (0 < factor < math.inf):
        raise BadEntryError(f"adj_close {adj_close} is not a positive price")
    return replace(bar, o=bar.o * factor, h=bar.h * factor, l=bar.l * factor, c=bar.c * factor, v=bar.v / factor)
