"""Set up sensor, computer and settings, and check them."""
