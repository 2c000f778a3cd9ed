"""What movements were, and minimums of one's own, on the page."""
