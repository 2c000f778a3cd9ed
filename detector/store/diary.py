"""What the log said of the last hours, as the page needs it. Pure, and bounded."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from detector import alert as alert_values
from detector import events as event_values
from detector import plain_json
from detector.alert import AlertState
from detector.alerts.withdrawn import saying_of, withdrawal_of
from detector.channels import Entry, EntryKind
from detector.events import Event, Kind
from detector.status import StateWord
from detector.words.screens import told_by_alert

HOURS = timedelta(hours=12)
"""What the page looks back on: a night, and no night before it."""

MOST_EVENTS = 2000  # a night of a spasm each 20 s; a picture shows no more
MOST_STATES = 2000
MOST_LINES = 60
LARGEST_BODY = 100_000  # characters; an event has 20,000 at most


@dataclass(frozen=True, slots=True)
class Span:
    """A state and when it began; None: nothing is known of this time."""

    state: StateWord | None
    begin: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, for a list.

    body : of the log's entry, as JSON-able data
    """

    n: int
    kind: EntryKind
    at: datetime
    body: dict[str, Any]


class Diary:
    """Entries of the log, kept by what they are about; newest forms only, bounded.

    Parameters
    ----------
    back : how far it looks back
    lines : how many of what happened it keeps, the newest
    """

    def __init__(self, *, back: timedelta = HOURS, lines: int = MOST_LINES) -> None:
        self.n = 0
        self._back = back
        self._at: datetime | None = None
        self._events: OrderedDict[str, Event] = OrderedDict()
        self._spans: deque[Span] = deque(maxlen=MOST_STATES)
        self._lines: deque[Line] = deque(maxlen=lines)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take entries in the order of the log; one that cannot be read is left out."""
        for entry in entries:
            if entry.n and entry.n <= self.n:
                continue
            self.n = max(self.n, entry.n)
            try:
                body = plain_json.parsed(entry.body[:LARGEST_BODY])
                if isinstance(body, dict):
                    self._take(entry, body)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
            finally:
                self._at = entry.at

    def events(self, now: datetime) -> list[Event]:
        """Return likely spasms of the last hours, each in its latest form, by onset."""
        since = now - self._back
        found = [
            event
            for event in self._events.values()
            if event.kind.is_spasm_family and event.onset is not None and event.onset >= since
        ]
        return sorted(found, key=lambda event: event.onset or now)

    def event_of(self, episode: str | None) -> Event | None:
        """Return the newest likely spasm of an episode."""
        if episode is None:
            return None
        found = [each for each in self._events.values() if episode in (each.episode, each.id)]
        return found[-1] if found else None

    def spans(self, now: datetime) -> list[Span]:
        """Return the states of the last hours, the first of them from where it is known."""
        since = now - self._back
        before = [span for span in self._spans if span.begin < since]
        shown = [span for span in self._spans if since <= span.begin <= now]
        return ([Span(before[-1].state, since)] if before else []) + shown

    def lines(self) -> list[Line]:
        """Return what happened, newest first."""
        return list(reversed(self._lines))

    def _take(self, entry: Entry, body: dict[str, Any]) -> None:
        match entry.kind:
            case EntryKind.EVENT:
                event = event_values.from_dict(body)
                self._events.pop(event.id, None)
                self._events[event.id] = event
                if len(self._events) > MOST_EVENTS:
                    self._events.popitem(last=False)
                self._forget(event.id)
                if event.kind.is_spasm_family and event.kind is not Kind.TWITCH:
                    self._tell(entry, body)
            case EntryKind.ALERT:
                if alert_values.from_dict(body).state is not AlertState.REPEATED:
                    self._tell(entry, body)
            case EntryKind.STATUS:
                self._enter(StateWord(body["state"]), entry.at)
            case _:
                self._say(entry, body)

    def _say(self, entry: Entry, body: dict[str, Any]) -> None:
        """Take what somebody said: it may take back what was said before."""
        taken = withdrawal_of(body)
        if taken is not None:
            for line in [each for each in self._lines if saying_of(each.body) == taken]:
                self._lines.remove(line)
            return
        before = self._lines[-1] if self._lines else None
        if before is None or not told_by_alert(before.kind, before.body, body):
            self._tell(entry, body)

    def _forget(self, event: str) -> None:
        """Take an event out of what happened: what is known of it now may be no spasm."""
        for line in [each for each in self._lines if each.body.get("id") == event]:
            self._lines.remove(line)

    def _tell(self, entry: Entry, body: dict[str, Any]) -> None:
        self._lines.append(Line(entry.n, entry.kind, entry.at, body))

    def _enter(self, state: StateWord, at: datetime) -> None:
        # A state that follows itself: the service began anew, and nobody knows what was meanwhile.
        if self._spans and self._spans[-1].state is state and self._at is not None:
            self._spans.append(Span(None, self._at))
        self._spans.append(Span(state, at))
