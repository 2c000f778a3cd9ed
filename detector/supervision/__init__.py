"""Supervision from outside: systemd and its units, and a process that reads the heartbeat."""
