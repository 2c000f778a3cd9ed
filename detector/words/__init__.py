"""All sentences that more than one screen shows."""
