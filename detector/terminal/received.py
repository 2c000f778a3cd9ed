"""What a receiver is told, as lines on the screen and reasons for a sound."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, tzinfo

from detector.alert import Alert
from detector.alert import from_dict as alert_of
from detector.alerts.commands import to_dict
from detector.events import Event, Phase
from detector.events import from_dict as event_of
from detector.receiver.news import Absence, Answer, News, ReceivedEntry, ServiceState
from detector.receiver.open_alerts import OpenAlerts, OpenNow, Sounds, is_urgent
from detector.receiver.sounding import Sounding
from detector.status import WORDS, StateWord
from detector.terminal.output import Output
from detector.words.alerts import alert_line, still_open_line
from detector.words.answers import answer_words
from detector.words.phrases import event_line, one_line, sentence

ABSENT = {Absence.STOPPED: "Stopped", Absence.SILENT: "NOT WATCHING"}
SHOWN_MOST = 1000  # events remembered as shown: those of a bad night
SILENT = "silent"  # reason for a sound, beside the ids of alerts
DAMAGE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


class ReceivedScreen:
    """Write what is new, and hold the alarm while there is a reason.

    Parameters
    ----------
    confirmable : a person can type here that they heard a test
    everything : also movements that are no likely spasms, among which alerts are overlooked

    Attributes
    ----------
    test : alert of the latest test; None before the first
    """

    def __init__(
        self,
        out: Output,
        zone: tzinfo | None,
        sounding: Sounding,
        *,
        confirmable: bool = False,
        everything: bool = False,
    ) -> None:
        self.test: str | None = None
        self._confirmable = confirmable
        self._everything = everything
        self._shown: dict[str, None] = {}  # ids of events
        self._out = out
        self._zone = zone
        self._sounding = sounding
        self._open = OpenNow()
        self._asks = False  # whether the test was heard

    def show(self, news: News) -> None:
        """Write one piece of news, and take what it means for the sound."""
        match news:
            case ServiceState():
                self._state(news)
            case OpenAlerts():
                self._open_alerts(news)
            case ReceivedEntry():
                self._entry(news)
            case Answer(command, why):
                if self._out.json:
                    answer = {"answer": to_dict(command), "ok": why is None, "why": why}
                    self._write(json.dumps(answer, ensure_ascii=False))
                else:
                    self._line(answer_words(command, why))

    def _state(self, state: ServiceState) -> None:
        self._sounding.paused = state.word is StateWord.PAUSED  # never while the service is silent
        if state.word is Absence.SILENT:
            self._sounding.hold(SILENT)
        else:
            self._sounding.release(SILENT)
        if self._out.json:
            until = None if state.until is None else state.until.isoformat()
            fields = {"state": state.word.value, "why": state.why, "until": until}
            self._write(json.dumps(fields))
            return
        why = "" if state.why is None else f" {sentence(state.why)}"
        word = state.word
        said = WORDS[word] if isinstance(word, StateWord) else ABSENT[word]
        until = "" if state.until is None else f" until {state.until.astimezone(self._zone):%H:%M}"
        self._line(f"{said}{until}.{why}")

    def _open_alerts(self, now: OpenAlerts) -> None:
        changes = self._open.snapshot(now)
        for id_ in changes.over:
            self._sounding.release(id_)
        for alert in changes.changed:
            self._sounding.take(alert)
        for alert in (*changes.still, *changes.new):
            if is_urgent(alert):
                self._sounding.hold(alert.id)
        for alert in (*changes.still, *changes.new, *changes.changed):
            if self._out.json:
                self._write(json.dumps({"still_open": _plain(alert, now)}, ensure_ascii=False))
            elif alert not in changes.still:
                self._write(alert_line(alert, self._zone))
            else:
                self._line(still_open_line(alert, self._zone))

    def _entry(self, entry: ReceivedEntry) -> None:
        late = " (received late)" if entry.late else ""
        shown = True
        try:
            fields = dict(entry.fields)
            if entry.leaf == "alert":
                alert = alert_of(fields)
                line = alert_line(alert, self._zone)
                # What is over must not sound again.
                shown = entry.superseded or self._alert(alert, late=entry.late)
            else:
                line = self._event_line(event_of(fields))
        except DAMAGE:
            self._unreadable(entry)
            return
        if self._out.json:
            more = {"superseded": True} if entry.superseded else {}
            self._write(json.dumps({**entry.fields, **more}, ensure_ascii=False))
        elif line and shown:
            self._write(line + late)
        if self._asks and not self._out.json:
            self._line("Did you hear the test? Press Enter.")
        self._asks = False

    def _event_line(self, event: Event) -> str:
        """Return the line of an event that is over; empty where it is nothing for a caregiver.

        What was shown and turns out to be something else is shown again.
        """
        again = event.id in self._shown
        wanted = self._everything or again or event.kind.is_spasm_family
        if event.phase is not Phase.END or not wanted:
            return ""
        self._shown[event.id] = None
        if len(self._shown) > SHOWN_MOST:
            del self._shown[next(iter(self._shown))]
        return event_line(event, self._zone) + (" (Corrected.)" if again else "")

    def _alert(self, alert: Alert, *, late: bool) -> bool:
        """Take what an alert means for the sound; return whether to show it."""
        telling = self._open.entry(alert, late=late)
        match telling.sounds:
            case Sounds.AGAIN:
                self._sounding.again(alert.id)
            case Sounds.HELD:
                self._sounding.hold(alert.id)
            case Sounds.ONCE:
                self._sounding.once()
                self.test, self._asks = alert.id, self._confirmable
            case Sounds.NOTHING:
                self._sounding.release(alert.id)
        return telling.shown

    def _unreadable(self, entry: ReceivedEntry) -> None:
        """Tell of a message that is forged, or of another release; an alert rings all the same."""
        if entry.leaf == "alert":
            self._out.bell()
        self._line("A message that cannot be read was received. Is one of the two programs older?")

    def _line(self, text: str) -> None:
        at = datetime.now(UTC)
        self._write(f"{at.astimezone(self._zone):%H:%M:%S}  {one_line(text)}")

    def _write(self, line: str) -> None:
        """Write a line at once: into a file or pipe it would wait for 8 kB, which is hours."""
        self._out.data(line)
        sys.stdout.flush()


def _plain(alert: Alert, now: OpenAlerts) -> object:
    return next(each for each in now.alerts if each.get("id") == alert.id)
