"""Write what happens while it happens: one line for each piece of news."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import tzinfo

from detector import plain_json
from detector.alert import Alert, AlertState, Level
from detector.alert import to_json as alert_json
from detector.alerts.commands import AddNote, LabelEvent, MarkSpasm, Withdraw, to_dict
from detector.block import utc_of
from detector.devices.profile import Note, Refused
from detector.devices.stream import LinkDown, LinkUp
from detector.events import Event, Phase, final_forms, to_json
from detector.night.outcome import Outcome
from detector.service.presentation.news import News, NightOver, Trouble, WatchedAgain
from detector.status import StateWord, Status
from detector.terminal.invocation import as_called
from detector.terminal.output import Output
from detector.words.alerts import alert_line, open_words
from detector.words.commands import command_words
from detector.words.phrases import TITLES, event_line, moment, one_line, sentence, unwatched_words


class Narrator:
    """Write news as lines: events, alerts and status on stdout, links and troubles on stderr.

    Parameters
    ----------
    utc_ns : the night's wall clock, for news without a time of its own
    zone : time zone of the times shown; None is the computer's
    label : whose alerts these are, as the settings call the wearer
    later : calls a function after a moment: by then it is known whether a simulated sensor was
        lost or its night is over; None where a lost link is written at once
    """

    def __init__(
        self,
        out: Output,
        utc_ns: Callable[[], int],
        zone: tzinfo | None = None,
        label: str = "",
        later: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._out = out
        self._label = label
        self._utc_ns = utc_ns
        self._zone = zone
        self._ended: dict[str, Event] = {}
        self._later = later
        self._held: list[LinkDown | Status] = []  # a lost link and its silence, not written yet
        self._over = False
        self._alerted: tuple[Alert, ...] = ()  # the alerts that were written last
        self._night_over = False  # what is cut short from now on was so by that
        self._silent = ""  # the latest sentence about a missing signal
        self.alerts = 0

    def final_events(self) -> list[Event]:
        """Return the latest form of each event that has ended, in order of onset."""
        return final_forms(self._ended.values())

    def end(self, why: str | None = None) -> None:
        """Write why the night ends; a link that ends with it is not written as lost."""
        self._over = True
        self._held.clear()
        if why is not None:
            self._talk(why)

    def left_open(self, alerts: Iterable[Alert]) -> None:
        """Write which alerts are open from an earlier night: their rules raise no other."""
        for text in open_words(alerts, before=True):
            self._note(text)

    def begin_line(self) -> None:
        """Begin a new line on a terminal, which has written the ^C that was typed."""
        if not self._out.json and sys.stdout.isatty():
            self._out.data("")

    def tell(self, news: News) -> None:
        """Write a piece of news."""
        match news:
            case LinkDown() | Status(watch=StateWord.NO_SIGNAL):
                if not self._over:
                    self._write_or_hold(news)
            case NightOver():
                self._over = self._night_over = True
            case LinkUp() | Status():
                self._write_held()
                self._write(news)
            case _:
                self._write(news)

    def _write_or_hold(self, news: LinkDown | Status) -> None:
        if self._later is None or (isinstance(news, Status) and not self._held):
            self._write(news)
            return
        if not self._held:
            self._later(self._write_held)
        self._held.append(news)

    def _write_held(self) -> None:
        held, self._held = self._held, []
        for news in held:
            self._write(news)

    def _write(self, news: News) -> None:
        match news:
            case Outcome():
                for each in news.news:
                    self._event(each) if isinstance(each, Event) else self._alert(each)
                self._alerted = tuple(news.alerts)
            case Status():
                self._status(news)
            case WatchedAgain():
                self._note(unwatched_words(news.since, news.until, self._zone))
            case LinkUp():
                self._talk(f"Connected to {news.name or news.address} ({news.driver}).")
            case LinkDown():
                self._talk(f"Link lost: {sentence(news.reason)}")
            case Note():
                self._talk(sentence(news.text))
            case Refused():
                self._talk(f"The sensor cannot be used: {sentence(news.reason)}")
            case AddNote() | MarkSpasm() | LabelEvent() | Withdraw():
                self._said(news)
            case Trouble() if not self._out.json and self._is_told(news):
                pass
            case Trouble():
                works = f"{news.name}: works again" if news.why is None else news.why
                self._talk(f"TROUBLE  {sentence(works)}" if news.why else sentence(works))

    def _status(self, status: Status) -> None:
        """Write whether there is a signal, or a pause; a spasm has its own line when it begins."""
        silent = f"{status.words}. {sentence(status.why or '')}"
        if status.watch not in (StateWord.NO_SIGNAL, StateWord.PAUSED):
            silent = ""
        if silent != self._silent:
            self._note(silent or f"{status.words}.")
        self._silent = silent

    def _event(self, event: Event) -> None:
        again = event.id in self._ended
        if event.phase is Phase.END:
            self._ended[event.id] = event
        if self._out.json:
            self._out.data(to_json(event))
        elif event.phase is Phase.END:
            self._out.data(self._ended_line(event) + (" (Corrected.)" if again else ""))
        elif event.phase is Phase.START:
            self._out.data(f"{moment(event, self._zone)}  {TITLES[event.kind]} begins …")

    def _is_told(self, trouble: Trouble) -> bool:
        """Whether the alert that a trouble raises, or its end, has just said it."""
        if trouble.why is None:
            over = [each.kind for each in self._alerted if each.state is AlertState.RESOLVED]
            return trouble.name in over
        return any(alert.reason.endswith(trouble.why) for alert in self._alerted)

    def _ended_line(self, event: Event) -> str:
        return event_line(event, self._zone, night_over=self._night_over)

    def _alert(self, alert: Alert) -> None:
        self.alerts += alert.state is AlertState.RAISED and alert.level is not Level.TEST
        as_json = self._out.json
        self._out.data(alert_json(alert) if as_json else alert_line(alert, self._zone, self._label))

    def _said(self, command: AddNote | MarkSpasm | LabelEvent | Withdraw) -> None:
        """Write what somebody said of the night; what changes an alert is written with that."""
        if self._out.json:
            self._out.data(plain_json.line(to_dict(command)))
        else:
            self._line(command_words(command))

    def _line(self, text: str) -> None:
        """Write a line that belongs to the night, where it is written down as text."""
        if not self._out.json:
            self._out.data(self._timed(text))

    def _note(self, text: str | None) -> None:
        """Write a sentence among the night's lines, beside them where these are JSON."""
        if text is not None:
            (self._talk if self._out.json else self._line)(text)

    def _talk(self, text: str) -> None:
        self._out.say(self._timed(text))

    def _timed(self, text: str) -> str:
        at = utc_of(self._utc_ns())
        return f"{at.astimezone(self._zone):%H:%M:%S}  {one_line(as_called(text))}"
