"""How a decision is made: configuration, phases, runs."""
