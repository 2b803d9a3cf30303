"""Forecasts for MAF: the Kronos source, its refresher, and the forecast service."""
