"""From frames to bouts, and a bout's numbers."""
