"""Watching: one sensor, one wearer, live or recorded, all by the same code."""
