"""What a person at a terminal refers to: what they said last, and the latest likely spasm. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from detector.alerts.commands import CommandError, Taken
from detector.alerts.withdrawn import saying_of
from detector.events import parse_utc
from detector.service.persistence.last_night import body_of, told
from detector.store.glance import Glance
from detector.terminal.invocation import program_name
from detector.web.tonight.payload import MOST_HAPPENED, MarkWords, PageView
from detector.web.tonight.timeline import mark_words
from detector.words.phrases import COUNTED, one_line
from detector.words.screens import happened_words


@dataclass(frozen=True, slots=True)
class SaidLine:
    """A note, mark or label that was not taken back.

    said : when, as the log has it
    """

    by: str
    what: Taken
    said: datetime
    words: str


@dataclass(frozen=True, slots=True)
class FoundSpasm:
    """A likely spasm, in words."""

    id: str
    words: str


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What was said and found, newest first.

    where : in words for a person
    """

    said: Sequence[SaidLine]
    found: Sequence[FoundSpasm]
    where: str

    def last_of(self, by: str) -> SaidLine:
        """Return what somebody said last; CommandError where there is nothing of theirs."""
        mine = [line for line in self.said if line.by == by]
        if not mine:
            others = sorted({line.by for line in self.said})
            verb = "have" if len(others) > 1 else "has"
            hint = f", but {' and '.join(others)} {verb} (--by NAME)" if others else ""
            raise CommandError(f"{by} has said nothing {self.where}{hint}")
        return mine[0]

    def latest_event(self) -> FoundSpasm:
        """Return the latest likely spasm; CommandError where there is none."""
        if not self.found:
            raise CommandError(
                "no likely spasm was found that could be labelled. One that was felt or seen is "
                f"marked: {program_name()} note --mark"
            )
        return self.found[0]


def said_tonight(view: PageView) -> SaidBefore:
    """Return what the page of a running night shows."""
    said = [
        SaidLine(line["by"], Taken(line["said"]), moment, line["words"])
        for line in view["happened"]
        if line["by"] is not None
        and line["said"] is not None
        and (moment := _moment(line["said_at"])) is not None
    ]
    found = [
        FoundSpasm(mark["id"], _words(mark["words"]))
        for mark in reversed(view["timeline"]["marks"])
        if mark["kind"] in COUNTED
    ]
    return SaidBefore(said, found, f"among the newest {MOST_HAPPENED} lines of this night")


def said_before(seen: Glance, zone: tzinfo | None) -> SaidBefore:
    """Return what a state file holds of the last night."""
    said = []
    for entry in told(seen.entries):
        body = body_of(entry)
        saying = saying_of(body)
        moment = None if saying is None else _moment(saying[2])
        if saying is not None and moment is not None:
            words = one_line(happened_words(entry.kind, body, zone))
            said.append(SaidLine(saying[0], saying[1], moment, words))
    found = [
        FoundSpasm(event.id, _words(mark_words(event, zone)))
        for event in seen.events
        if event.kind in COUNTED
    ]
    return SaidBefore(said, found, "lately")


def _moment(text: str | None) -> datetime | None:
    """Return a moment of the log; None where a damaged row holds none."""
    try:
        return parse_utc(text)
    except ValueError:
        return None


def _words(mark: MarkWords) -> str:
    """Return which event it is: clonus at 02:14:07, 9.0 s, left calf."""
    where = f", {mark['where']}" if mark["where"] else ""
    return f"{mark['what'].lower()} at {mark['time']}, {mark['length']}{where}"
