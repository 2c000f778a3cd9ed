"""Which technical conditions wake somebody although no wake rule names them. Pure."""

from __future__ import annotations

from detector.alerts.conditions import Condition

UNNOTICED = frozenset({Condition.DATA_LOST, Condition.STUCK, Condition.DETECTOR_STALLED})
"""Nothing may be found while sensor and service seem to work, so that nobody would look. Not among
them: what the wake rule for no signal tells soon, such as an empty battery, and what a very still
leg looks like, such as a sensor that is not worn."""
