"""Bouts to events: sequences, periodic series, fusion of several sensors, identity."""
