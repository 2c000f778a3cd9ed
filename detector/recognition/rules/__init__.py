"""Evidence for each kind, the thresholds, and the kind that follows."""
