"""Which contacts are told of an alert, by its tier, their quiet hours and their rules. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Literal

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.rules import BUTTON
from detector.config import ContactSettings

Wording = Literal["neutral", "full"]

ALL_TIERS = 3  # from this tier on everybody is told

ALARMING = frozenset({AlertState.RAISED, AlertState.REPEATED, AlertState.ESCALATED})
"""States that tell somebody to come."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom alerts are pushed to.

    quiet : local times at which the quiet hours begin and end
    rules : those that this one is told, as alerts name them; None is all
    """

    name: str
    quiet: tuple[time, time] | None = None
    rules: frozenset[str] | None = None
    wording: Wording = "neutral"

    @classmethod
    def of(cls, settings: ContactSettings) -> Contact:
        """Return the contact of a section of the settings."""
        return cls(settings.name, settings.quiet_hours, settings.rules, settings.wording)

    def is_quiet(self, local: time) -> bool:
        """Whether a local time of day is within the quiet hours."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        if begin <= end:
            return begin <= local < end
        return local >= begin or local < end

    def takes(self, alert: Alert) -> bool:
        """Whether this one is told of such an alert: technical ones and a call for help always."""
        always = alert.alert_class is AlertClass.TECHNICAL or alert.kind == BUTTON
        return always or self.rules is None or alert.rule in self.rules


def recipients(contacts: Sequence[Contact], alert: Alert, local: time) -> tuple[str, ...]:
    """Return the names of those who are to be told of an alert at its tier, in order.

    At tier 1 the first contact is told, at tier 2 the next one too, at tier 3 everybody. At the
    first two those are passed over who have quiet hours or do not wait for the alert's rule; where
    that leaves nobody they are not: an alert that wakes somebody always has somebody to wake.

    Parameters
    ----------
    local : time of day of the contacts' zone
    """
    if alert.level is not Level.HIGH or alert.state not in ALARMING:
        return ()
    if alert.tier >= ALL_TIERS:
        return tuple(contact.name for contact in contacts)
    willing = [contact for contact in contacts if contact.takes(alert)] or list(contacts)
    awake = [contact for contact in willing if not contact.is_quiet(local)] or willing
    return tuple(contact.name for contact in awake[: max(1, alert.tier)])
