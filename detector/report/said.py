"""What people said to a night, and what its alerts came to. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from detector import plain_json
from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alert import from_dict as alert_of
from detector.alerts.commands import AddNote, CommandError, MarkSpasm, NoteKind, from_dict
from detector.alerts.withdrawn import is_told
from detector.channels import EntryKind
from detector.events import Event, parse_utc
from detector.report.coverage import HOUR, NightCoverage
from detector.report.spasms import onset_of
from detector.store.known_night import KnownNight

ASKED = re.compile(
    r"\s*(?P<scale>stiffness|sleep|pain|penn|snow)\s+(?P<value>\d{1,2})\s*", re.IGNORECASE
)
"""Notes that answer a scale, as `stiffness 4`: shown beside the counts, never made of them."""

MOST = {"stiffness": 10, "sleep": 10, "pain": 10, "penn": 4, "snow": 4}
"""Highest answer of each scale: 0-10 ratings; the spasm frequency scales of Penn (Penn et al.
1989, N Engl J Med 320:1517) and of Snow (1990) have five steps."""


@dataclass(frozen=True, slots=True)
class SaidNote:
    """A note, or a mark of a spasm.

    at : UTC; kind : what it is about, None for a mark
    """

    at: datetime
    by: str
    kind: NoteKind | None
    text: str


@dataclass(frozen=True, slots=True)
class ScaleAnswer:
    """What somebody answered to a scale, and the highest answer it has."""

    scale: str
    value: int
    most: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertTold:
    """An alert of the night and what came of it.

    answered_by, answered_at : who was the first to answer, None where nobody did
    resolved_at : when it was over, None while it is open
    """

    alert: Alert
    raised_at: datetime
    escalated: bool
    answered_by: str | None
    answered_at: datetime | None
    resolved_at: datetime | None

    @property
    def is_technical(self) -> bool:
        """Whether it is about the monitoring."""
        return self.alert.alert_class is AlertClass.TECHNICAL


@dataclass(frozen=True, slots=True)
class SinceMedicine:
    """A likely spasm and how long before it a medicine was last noted, h."""

    event: Event
    note: SaidNote
    hours: float


@dataclass(frozen=True, slots=True)
class HourAfterMedicine:
    """An hour since a medicine was noted, of all that were: likely spasms, and what was watched."""

    hour: int
    likely: int
    watched_s: float


def notes_of(known: KnownNight) -> list[SaidNote]:
    """Return notes and marks that nobody took back, by the time that they are about."""
    found: list[SaidNote] = []
    for entry in known.entries:
        if entry.kind is not EntryKind.NOTE:
            continue
        body = _body(entry.body)
        try:
            command = from_dict(body)
            at = parse_utc(body.get("at")) or entry.at
        except (CommandError, ValueError, TypeError):  # of another version
            continue
        if not is_told(body, known.withdrawn):
            continue
        if isinstance(command, AddNote):
            found.append(SaidNote(at.astimezone(UTC), command.by, command.kind, command.text))
        elif isinstance(command, MarkSpasm):
            found.append(SaidNote(at.astimezone(UTC), command.by, None, ""))
    return sorted(found, key=lambda note: (note.at, note.by, note.text))


def answers_of(notes: Sequence[SaidNote]) -> list[ScaleAnswer]:
    """Return the latest answer to each scale that was answered."""
    latest: dict[str, ScaleAnswer] = {}
    for note in notes:
        match = ASKED.fullmatch(note.text)
        if match is None:
            continue
        scale, value = match["scale"].lower(), int(match["value"])
        if value <= MOST[scale]:
            latest[scale] = ScaleAnswer(scale, value, MOST[scale], note.by, note.at)
    return [latest[scale] for scale in MOST if scale in latest]


def alerts_of(known: KnownNight) -> list[AlertTold]:
    """Return the alerts that were raised in a night, tests apart, in order."""
    told: dict[str, AlertTold] = {}
    for entry in known.entries:
        if entry.kind is not EntryKind.ALERT:
            continue
        try:
            alert = alert_of(plain_json.parsed(entry.body))
        except (ValueError, TypeError):  # of another version
            continue
        if alert.level is not Level.TEST:
            told[alert.id] = _after(told.get(alert.id), alert, entry.at)
    return sorted(told.values(), key=lambda each: (each.raised_at, each.alert.id))


def since_medicine(notes: Sequence[SaidNote], likely: Sequence[Event]) -> list[SinceMedicine]:
    """Return each likely spasm that follows a note about medicine, with the hours between.

    Nothing is said of what a medicine does: no curve, no threshold, just the time.
    """
    taken = [note for note in notes if note.kind is NoteKind.MEDICATION]
    found: list[SinceMedicine] = []
    for event in likely:
        before = [note for note in taken if note.at <= onset_of(event)]
        if before:
            hours = (onset_of(event) - before[-1].at).total_seconds() / 3600
            found.append(SinceMedicine(event, before[-1], hours))
    return found


def after_medicine(
    notes: Sequence[SaidNote], likely: Sequence[Event], coverage: NightCoverage
) -> list[HourAfterMedicine]:
    """Return the hours since medicines were noted, each up to the next one or to the end."""
    taken = [note.at for note in notes if note.kind is NoteKind.MEDICATION]
    end = coverage.end
    if not taken or end is None:
        return []
    onsets = [onset_of(event) for event in likely]
    counts: Counter[int] = Counter()
    watched: Counter[int] = Counter()  # of ms: sums stay exact
    for begin, until in zip(taken, [*taken[1:], end], strict=True):
        for hour in range(max(0, ceil((until - begin) / HOUR))):
            since = begin + hour * HOUR
            stop = min(since + HOUR, until)
            counts[hour] += sum(since <= onset < stop for onset in onsets)
            watched[hour] += round(coverage.between(since, stop) * 1000)
    return [
        HourAfterMedicine(hour, counts[hour], watched[hour] / 1000)
        for hour in sorted(watched)
        if watched[hour] or counts[hour]
    ]


_ANSWERED = {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}


def _after(before: AlertTold | None, alert: Alert, at: datetime) -> AlertTold:
    """Return what is known of an alert after its next state."""
    at = (alert.at or at).astimezone(UTC)
    raised_at = before.raised_at if before else (alert.raised_at or at).astimezone(UTC)
    by, when = (before.answered_by, before.answered_at) if before else (None, None)
    if by is None and alert.state in _ANSWERED:
        by, when = alert.by or "somebody", at
    return AlertTold(
        alert=alert,
        raised_at=raised_at,
        escalated=(before is not None and before.escalated) or alert.state is AlertState.ESCALATED,
        answered_by=by,
        answered_at=when,
        resolved_at=at if alert.state is AlertState.RESOLVED else None,
    )


def _body(text: str) -> Mapping[str, Any]:
    try:
        body = plain_json.parsed(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
