"""Record, simulate, look at and score recordings."""
