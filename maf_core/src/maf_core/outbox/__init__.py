"""Where a decision goes: actions, the risk gate, executions."""
