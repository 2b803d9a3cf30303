"""Reports of fomo2 for MAF: read from its stream, or asked for."""
