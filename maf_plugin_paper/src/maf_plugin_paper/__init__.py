"""A paper broker for MAF: executions in, fills and outcomes out."""
