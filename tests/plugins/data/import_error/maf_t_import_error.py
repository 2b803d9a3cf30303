"""Asks the core for a name it does not have."""

from maf_core import PriceOracleSpec  # noqa: F401
