"""Polymarket, read only: what a market is, what it costs to bet, and what it has thought so far."""
