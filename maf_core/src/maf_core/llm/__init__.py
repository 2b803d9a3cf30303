"""Language models: choosing one, asking it within a budget, recording what it said."""
