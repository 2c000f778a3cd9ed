"""What people and time make of a running night's alerts: pauses, answers, repetitions. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from detector.alert import Alert
from detector.alerts.commands import (
    Acknowledge,
    CallForHelp,
    Command,
    CommandError,
    LabelEvent,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)
from detector.alerts.learning import LearningNights
from detector.alerts.reminders import Reminders
from detector.alerts.response import AlertResponse
from detector.block import utc_of
from detector.night.outcome import Outcome
from detector.service.persistence.resumption import ANSWERS, PAUSE
from detector.service.presentation.pausing import Pausing
from detector.status import Snapshot, Status

RESPONSE, LEARNED = "response", "learned"  # names of what is saved

MOST_COMMANDS, IN_NS = 30, 60_000_000_000
"""Commands obeyed in a minute: each is an entry of the log, which nobody may fill. A household that
answers an alert on five screens needs ten."""


TOO_MANY = "too many commands at once: wait a minute"


class Answering:
    """The one place where a night's alerts become what people are told.

    Parameters
    ----------
    learning : which of the first nights tonight is
    unreachable : whether nobody who is told of an alert, by its id, can be reached
    """

    def __init__(
        self,
        response: AlertResponse,
        pausing: Pausing,
        *,
        learning: LearningNights | None = None,
        unreachable: Callable[[str], bool] = lambda _id: False,
    ) -> None:
        self.response, self.pausing = response, pausing
        self.learning = learning or LearningNights(0, "")
        self._unreachable = unreachable
        self._reminders = Reminders()
        self._said_ns: deque[int] = deque(maxlen=MOST_COMMANDS)

    def hear(self, told: Outcome, mono_ns: int) -> Outcome:
        """Return output of the night as it is told now."""
        news = [
            self._as_told(each, mono_ns) if isinstance(each, Alert) else each for each in told.news
        ]
        return Outcome(tuple(news))

    def tick(
        self,
        open_alerts: Sequence[Alert],
        mono_ns: int,
        utc_ns: int,
        absent: Collection[str] = (),
    ) -> list[Alert]:
        """Return what time alone makes of the open alerts; each still goes through `hear`.

        Parameters
        ----------
        open_alerts : of the night
        absent : kinds whose cause is not there now
        """
        response, over, utc = self.response, self.pausing.is_over(mono_ns), utc_of(utc_ns)
        if over:
            response.begin_again(mono_ns)
        told = response.tick(
            open_alerts,
            mono_ns,
            utc,
            unreachable=self._unreachable,
            paused=self.pausing.lasts(mono_ns),
        )
        waiting = [a for a in self.open(open_alerts) if not response.answered(a)]
        again = self._reminders.begin_again if over else self._reminders.due
        fresh = {alert.id for alert in told}
        return told + [a for a in again(waiting, mono_ns, utc, absent) if a.id not in fresh]

    def obey(self, command: Command, mono_ns: int, utc_ns: int) -> list[Alert]:
        """Return the alerts that a command changes; each still goes through `hear`.

        Raises
        ------
        CommandError
            It cannot be obeyed, or too many came at once.
        """
        full = len(self._said_ns) == MOST_COMMANDS and 0 <= mono_ns - self._said_ns[0] < IN_NS
        if full and not isinstance(command, CallForHelp):
            raise CommandError(TOO_MANY)
        told = self._obeyed(command, mono_ns, utc_of(utc_ns).astimezone(UTC))
        if full and not told:  # the same press again: help is called already
            raise CommandError(TOO_MANY)
        self._said_ns.append(mono_ns)
        return told

    def open(self, open_alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        """Return all open alerts as people have made them, calls for help first."""
        shown = [self.response.shown(alert) for alert in open_alerts]
        return (*self.response.calls, *shown)

    def shown(self, now: Snapshot, mono_ns: int) -> Snapshot:
        """Return a snapshot of the night as it is shown now."""
        return self.pausing.hush_open(now, self.open(now.open_alerts), mono_ns)

    def status(self, status: Status, mono_ns: int, utc_ns: int) -> Status:
        """Return the status with a pause, if there is one."""
        return self.pausing.shown(status, mono_ns, utc_ns)

    def save(self, monitored_s: float) -> dict[str, Any]:
        """Return the pause and the answers as plain data, by the names of the state."""
        answers = {RESPONSE: self.response.save(), LEARNED: self.learning.save(monitored_s)}
        return {PAUSE: self.pausing.save(), ANSWERS: answers}

    def recall(self, saved: Any, mono_ns: int, *, same_boot: bool | None) -> None:
        """Add what an earlier process saved and this began without: learning, calls for help.

        A pause of before is none: rather somebody is woken.
        """
        known = saved if isinstance(saved, dict) else {}
        self.learning.recall(known.get(LEARNED))
        self.response.recall(known.get(RESPONSE), mono_ns, same_boot=same_boot)

    def _obeyed(self, command: Command, mono_ns: int, utc: datetime) -> list[Alert]:
        match command:
            case PauseAlerts():
                self.pausing.begin(command.minutes, command.by, mono_ns)
            case ResumeAlerts():
                self.pausing.end(mono_ns)
            case Acknowledge() | Snooze() | LabelEvent() | CallForHelp():
                return self.response.obey(command, mono_ns, utc)
        return []

    def _as_told(self, alert: Alert, mono_ns: int) -> Alert:
        return self.pausing.hushed(self.response.hear([alert], mono_ns)[0], mono_ns)
