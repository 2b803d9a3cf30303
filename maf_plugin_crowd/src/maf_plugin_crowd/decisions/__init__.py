"""What follows from a crowd's prediction, by kind: pure functions."""
