"""The dashboard: a FastAPI application over a running MAF."""
