"""Checks before a night: probes collect facts, checks judge them and name the remedy."""
