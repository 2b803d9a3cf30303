"""The dashboard's own routes, one module a concern."""
