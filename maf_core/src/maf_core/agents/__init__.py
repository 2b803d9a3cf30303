"""Who decides: specialists, synthesis, replan."""
