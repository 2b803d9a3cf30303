"""Decision memory for MAF: what was decided in a like situation, and what came of it."""
