"""The panel: each specialist judges its own data with code alone."""
