"""The wire of MAF's crowd simulation."""
