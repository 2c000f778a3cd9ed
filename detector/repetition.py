"""How often an alarm that nobody ended is told, and sounds, again."""

from __future__ import annotations

FIRST_AGAIN_S = 60
AGAIN_S = 300
"""IEC 60601-1-8 has an alarm repeat as long as its cause lasts: one that expires is the one that
nobody heard. At this rate an alert that lasts for a night makes a hundred entries of the log."""
