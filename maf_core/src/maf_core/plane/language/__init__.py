"""The trigger language: what is allowed in it, its functions, and how it becomes a Python function."""
