"""Priority of each alert by its kind: how bad it gets if nobody comes, and how soon. Pure.

The idea is that of IEC 60601-1-8, table 1: consequence times onset. The worst here is that a wearer
needs somebody and nobody comes, be it that nobody was told or that nothing could be found.

    high         it may be so now, and nobody would notice: wakes somebody
    medium       it may become so this night, or what is found is in doubt; screens show it
    low          what is found is right and is told: to be set right some day
    information  nothing is the matter
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.alert import Level
from detector.alerts.conditions import Condition
from detector.alerts.rules import BUTTON, KINDS_OF

CLINICAL: Mapping[str, Level] = MappingProxyType({**dict.fromkeys((*KINDS_OF, BUTTON), Level.HIGH)})
"""Of the wearer: each is raised by a rule that somebody chose to be woken by."""

_UNNOTICED = (
    Condition.NO_SIGNAL,
    Condition.DATA_LOST,
    Condition.STUCK,
    Condition.DETECTOR_STALLED,
)
"""Nothing may be found while sensor and service seem to work, so that nobody would look. Not among
them: what the wake rule for no signal tells soon, such as an empty battery, and what a very still
leg looks like, such as a sensor that is not worn."""

_SOME_DAY = (
    Condition.LOOSE_STRAP,  # nothing is missed; what rings may be called clonus
    Condition.BATTERY_UNKNOWN,  # an empty one ends in no-signal
    Condition.SELF_TEST_OVERDUE,  # a way that fails is a condition of its own
    Condition.CLOCK_STEPPED,  # only labels depend on the clock
    Condition.CLOCK_IMPLAUSIBLE,
    Condition.DISK_LOW,  # nights are watched without room, too
    Condition.RECORDING,
    Condition.RETENTION,
)

TECHNICAL: Mapping[Condition, Level] = MappingProxyType({
    **dict.fromkeys(Condition, Level.MEDIUM),
    **dict.fromkeys(_UNNOTICED, Level.HIGH),
    **dict.fromkeys(_SOME_DAY, Level.LOW),
    Condition.SELF_TEST: Level.INFORMATION,
})  # fmt: skip
"""Of the monitoring itself."""


def level_of(kind: str) -> Level:
    """Return the priority of an alert; medium for a condition that only another version knows."""
    if kind in CLINICAL:
        return CLINICAL[kind]
    return TECHNICAL[Condition(kind)] if kind in set(Condition) else Level.MEDIUM
