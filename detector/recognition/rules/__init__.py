"""What speaks for each kind, and the thresholds it is held against."""
