"""All English that more than one screen says."""
