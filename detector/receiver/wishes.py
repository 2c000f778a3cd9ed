"""What a person asks for at a receiver: tests of the alarm, and a pause. Pure."""

from __future__ import annotations

from detector.mqtt import commands
from detector.mqtt.contract import Command
from detector.receiver.news import Absence, NotPaused, ServiceState
from detector.status import StateWord

TESTS_MOST = 8  # a person who presses Enter more often meant it once

OBEYED_WITHIN_S = 15.0
"""The next heartbeat, 5 s later, tells of a pause. One that begins later would surprise people."""

WHYS: dict[StateWord | Absence, str] = {
    Absence.SILENT: "nothing is heard from spasmwatch",
    Absence.STOPPED: "nothing is watched that could be paused",
}
NOT_OBEYED = (
    "spasmwatch did not obey: from another computer it takes only what a caregiver's keys have "
    "signed, which `spasmwatch setup tls` makes on the watching computer"
)


class Wishes:
    """Keep what a person asks for until it is published; a pause, until it is seen to begin."""

    def __init__(self) -> None:
        self._tests: list[str | None] = []
        self._minutes: int | None = None  # of a pause that is to be published
        self._asked: tuple[float, ServiceState] | None = None  # when, and the state then

    def test(self, heard: str | None) -> None:
        """Ask for a test, or confirm that a person heard the one with this alert."""
        self._tests = [*self._tests, heard][-TESTS_MOST:]

    def pause(self, minutes: int, before: ServiceState, mono_s: float) -> None:
        """Ask for a pause; the latest counts.

        Parameters
        ----------
        before : present state of the service; once the pause has begun, it is another
        """
        self._minutes, self._asked = minutes, (mono_s, before)

    def requests(self, by: str) -> list[tuple[Command, str]]:
        """Return what is to be published, once."""
        told = [(Command.TEST, commands.test(by, alert)) for alert in self._tests]
        if self._minutes is not None:
            told.append((Command.PAUSE, commands.pause(by, self._minutes)))
        self._tests, self._minutes = [], None
        return told

    def unmet(self, now: ServiceState, mono_s: float) -> NotPaused | None:
        """Return that a pause did not begin in time, once; then it is not published any more."""
        if self._asked is None:
            return None
        asked_s, before = self._asked
        begun = now.word is StateWord.PAUSED and now != before
        if not begun and mono_s - asked_s < OBEYED_WITHIN_S:
            return None
        self._asked = self._minutes = None
        return None if begun else NotPaused(WHYS.get(now.word, NOT_OBEYED))
