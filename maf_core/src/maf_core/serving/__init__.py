"""What the service does beside its workers."""
