"""The roles of the arena: who puts the question, who votes, who decides."""
