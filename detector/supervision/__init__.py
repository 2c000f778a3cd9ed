"""Supervision from outside: systemd, a second process that listens for the first, its units."""
