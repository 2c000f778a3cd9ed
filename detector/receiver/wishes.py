"""What a person asks for at a receiver: tests of the alarm, and what they say to the night. Pure.

Each thing they say is published once, with a number that its answer brings back; who gets no answer
in time is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detector.alerts import commands as said
from detector.mqtt import commands
from detector.mqtt.contract import Command
from detector.receiver.news import Absence, Answer, ServiceState
from detector.status import StateWord

WISHES_MOST = 8  # a person who presses Enter more often meant it once

ANSWERED_WITHIN_S = 15.0
"""An answer takes a fraction of a second, after the next heartbeat 5 s where there are keys. What
is obeyed later would surprise people."""

WHYS: dict[StateWord | Absence, str] = {
    Absence.SILENT: "nothing is heard from spasmwatch",
    Absence.STOPPED: "nothing is watched that could be told",
}
UNANSWERED = "spasmwatch did not answer: it may be older than this program"
NO_REASON = "spasmwatch gave no reason"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be published; with a number, its answer is waited for."""

    command: Command
    payload: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    command: said.Command
    at_s: float


class Wishes:
    """Keep what a person asks for until it is published, and what they say until it is answered."""

    def __init__(self) -> None:
        self._tests: list[str | None] = []
        self._number = 0
        self._new: dict[int, _Asked] = {}  # to be published
        self._waiting: dict[int, _Asked] = {}  # for an answer

    def test(self, heard: str | None) -> None:
        """Ask for a test, or confirm that a person heard the one with this alert."""
        self._tests = [*self._tests, heard][-WISHES_MOST:]

    def say(self, command: said.Command, mono_s: float) -> None:
        """Take what a person says; the latest ones count."""
        self._number += 1
        self._new[self._number] = _Asked(command, mono_s)
        while len(self._new) > WISHES_MOST:
            del self._new[next(iter(self._new))]

    def requests(self, by: str) -> list[Request]:
        """Return what is to be published, once."""
        told = [Request(Command.TEST, commands.test(by, alert)) for alert in self._tests]
        told += [
            Request(*commands.payload(asked.command), number) for number, asked in self._new.items()
        ]
        self._waiting |= self._new
        self._tests, self._new = [], {}
        return told

    def answered(self, number: int | None, reply: Mapping[str, Any]) -> list[Answer]:
        """Take an answer of the service; one that was not waited for is none."""
        ok, why = reply.get("ok"), reply.get("why")
        if number not in self._waiting or not isinstance(ok, bool):
            return []
        asked = self._waiting.pop(number)
        reason = None if ok else why if isinstance(why, str) else NO_REASON
        return [Answer(asked.command, reason)]

    def unanswered(self, now: ServiceState, mono_s: float) -> list[Answer]:
        """Return what was not answered in time, once; then it is not published any more."""
        why = WHYS.get(now.word, UNANSWERED)
        told = []
        for waiting in (self._new, self._waiting):
            late = [n for n, each in waiting.items() if mono_s - each.at_s >= ANSWERED_WITHIN_S]
            told += [Answer(waiting.pop(number).command, why) for number in late]
        return told
