"""What one contact was told, so that an alert is told once and its end to those it woke. Pure.

Time is an argument: seconds of a monotonic clock, and as UTC in what is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from detector.alert import Alert, AlertClass, AlertState
from detector.alerts.rules import BUTTON
from detector.push.recipients import ALARMING
from detector.words.push import is_withdrawn

SCHEMA = "pushed/2"
BEFORE = "pushed/1"  # counted all alarms together

ALARMS_MOST = 12
"""Alarms about the wearer to one contact within an hour: a phone that sounds every five minutes is
switched off. Calls for help are counted for themselves, and the first of each is always told."""

CONDITION_MOST = 4
"""Alarms about one technical condition within an hour. None of them takes the room of another's,
or of the wearer's: a link that comes and goes must not keep a phone from being told of a clonus."""

WEARER = "wearer"  # what is counted together: all that moves, of whatever kind

CAP_WINDOW_S = 3600.0

AGAIN_S = 15 * 60.0
"""An open technical alert is repeated every five minutes; a phone sounds at every third."""

REMEMBERED_MOST = 64
"""Alerts whose end is still to be told; more are never open at once."""


class Due(StrEnum):
    """What a state of an alert asks of one contact."""

    NOTHING = "nothing"
    KNOWN = "known"  # the contact was told, or told that there are more than are told
    ALARM = "alarm"
    MORE = "more"  # alarms of its kind come than are told: said once
    NEWS = "news"  # of an alert that this contact was woken by, such as its end


class Standing(StrEnum):
    """How an alert stands, as far as this contact was told."""

    OPEN = "open"
    PUT_OFF = "put-off"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # somebody said that it was no spasm
    OVER = "over"


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert that a contact was woken by.

    alarmed_s : when it was told last as an alarm
    times : how often
    """

    standing: Standing
    alarmed_s: float
    times: int = 1


class History:
    """What one contact was told."""

    def __init__(self) -> None:
        self._told: dict[str, ToldAlert] = {}
        self._alarmed_s: dict[str, list[float]] = {}  # by what is counted together
        self._more_said: set[str] = set()  # the same
        self.missed = 0
        """Alarms that came too late for this contact, and have not been told as missed."""

    def due(self, alert: Alert, now_s: float, *, wanted: bool) -> Due:
        """Return what a state of an alert asks for.

        Parameters
        ----------
        wanted : whether the contact is among its recipients
        """
        known = self._told.get(alert.id)
        if alert.state not in ALARMING:
            return Due.NEWS if known is not None and _is_news(known, alert) else Due.NOTHING
        if not wanted:
            return Due.NOTHING
        if known is not None and not _wakes_again(known, alert, now_s):
            return Due.KNOWN
        kind = counted_as(alert)
        first_call = kind == BUTTON and known is None  # somebody answered the call before it
        if first_call or len(self._lately(kind, now_s)) < most_of(alert):
            return Due.ALARM
        return Due.KNOWN if kind in self._more_said else Due.MORE

    def done(self, alert: Alert, due: Due, now_s: float) -> None:
        """Record that what was due has been told."""
        known = self._told.get(alert.id)
        if due is Due.ALARM:
            times = 1 if known is None else known.times + 1
            self._told[alert.id] = ToldAlert(Standing.OPEN, now_s, times)
            kind = counted_as(alert)
            lately = {each: self._lately(each, now_s) for each in (*self._alarmed_s, kind)}
            lately[kind].append(now_s)
            self._alarmed_s = {each: at_s for each, at_s in lately.items() if at_s}
            self._more_said = (self._more_said & self._alarmed_s.keys()) - {kind}
            if len(self._told) > REMEMBERED_MOST:
                del self._told[min(self._told, key=self._worth)]
        elif due is Due.MORE:
            self._more_said.add(counted_as(alert))
        elif due is Due.NEWS and known is not None:
            self._told[alert.id] = ToldAlert(_standing(alert), known.alarmed_s, known.times)

    def times(self, alert_id: str) -> int:
        """Return how often an alert was told as an alarm."""
        return self._told[alert_id].times if alert_id in self._told else 0

    def save(self, now_s: float, utc_s: float) -> dict[str, Any]:
        """Return it as plain data, dated in UTC, s since 1970."""
        ahead_s = utc_s - now_s
        return {
            "schema": SCHEMA,
            "told": {
                id_: [told.standing, told.alarmed_s + ahead_s, told.times]
                for id_, told in self._told.items()
            },
            "alarmed": {
                kind: [at_s + ahead_s for at_s in self._lately(kind, now_s)]
                for kind in self._alarmed_s
            },
            "more": sorted(self._more_said),
            "missed": self.missed,
        }

    @classmethod
    def load(cls, saved: Any, now_s: float, utc_s: float) -> History:
        """Return what was saved; an empty one where it cannot be read: rather told twice.

        What is dated ahead of now was dated by a wrong clock, and counts as now.
        """
        history = cls()
        try:
            if saved["schema"] not in (SCHEMA, BEFORE):
                return history
            ahead_s = utc_s - now_s
            told: Mapping[str, Any] = saved["told"]
            history._told = {
                str(id_): ToldAlert(
                    Standing(standing), min(now_s, float(at_s) - ahead_s), int(times)
                )
                for id_, (standing, at_s, times) in told.items()
            }
            if saved["schema"] == SCHEMA:
                history._alarmed_s = {
                    str(kind): [min(now_s, float(at_s) - ahead_s) for at_s in alarmed]
                    for kind, alarmed in saved["alarmed"].items()
                }
                history._more_said = {str(kind) for kind in saved["more"]}
            history.missed = int(saved["missed"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return cls()
        return history

    def _worth(self, alert_id: str) -> tuple[bool, float]:
        """Order alerts: those that are over are forgotten first, then the oldest."""
        told = self._told[alert_id]
        return told.standing is not Standing.OVER, told.alarmed_s

    def _lately(self, kind: str, now_s: float) -> list[float]:
        alarmed_s = self._alarmed_s.get(kind, [])
        return [at_s for at_s in alarmed_s if now_s - at_s < CAP_WINDOW_S][-ALARMS_MOST:]


def counted_as(alert: Alert) -> str:
    """Return with which other alarms an alert is counted."""
    technical = alert.alert_class is AlertClass.TECHNICAL
    return alert.kind if technical or alert.kind == BUTTON else WEARER


def most_of(alert: Alert) -> int:
    """Return how many alarms like this a contact is told within an hour."""
    return CONDITION_MOST if alert.alert_class is AlertClass.TECHNICAL else ALARMS_MOST


def _standing(alert: Alert) -> Standing:
    """Return how an alert stands once somebody has acted, or it is over."""
    if alert.state is AlertState.RESOLVED:
        return Standing.OVER
    if alert.state is AlertState.SNOOZED:
        return Standing.PUT_OFF
    return Standing.WITHDRAWN if is_withdrawn(alert) else Standing.ANSWERED


def _is_news(known: ToldAlert, alert: Alert) -> bool:
    """Whether what became of an alert is still to be told; once it is over, nothing is."""
    standing = _standing(alert)
    if known.standing is Standing.WITHDRAWN:
        return standing is Standing.PUT_OFF
    return known.standing not in {Standing.OVER, standing}


def _wakes_again(known: ToldAlert, alert: Alert, now_s: float) -> bool:
    """Whether an alarm that was told is told as an alarm once more."""
    technical = alert.alert_class is AlertClass.TECHNICAL
    if alert.kind == BUTTON:  # pressed again
        return known.standing in {Standing.OPEN, Standing.PUT_OFF}
    if known.standing is Standing.PUT_OFF:
        return True  # the time of the snooze is over
    if known.standing is Standing.OPEN:
        return technical and now_s - known.alarmed_s >= AGAIN_S
    if known.standing is Standing.ANSWERED:
        return technical  # an answer to these holds for a while only
    return alert.state is AlertState.RAISED  # anew
