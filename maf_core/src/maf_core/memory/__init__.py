"""What was decided before, and what came of it."""
