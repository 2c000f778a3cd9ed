"""What happened to a house, as facts in order of time, and the laws they must keep. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BLIND_S = 20.0
"""Samples this old are known to be missing, on every screen (the bar of the plan)."""

HAND_OVER_S = 10.0
"""For so long *No signal* on a receiver's screen is enough: a service that has just returned ends
the receiver's own alarm, and raises its own within this (the bar for *No signal*)."""

DARK = "dark"  # a screen whose program is dead or frozen shows nothing
SILENT = "silent"
SUPERSEDED = "superseded"  # word of an entry that a receiver tells as history
NO_SIGNAL = "no_signal"
SHOWS_WATCHING = frozenset({"watching", "spasm"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened at `t`, in a house's seconds.

    what : `samples` came over the air · `shown` word on a screen · `heard` an entry by a receiver ·
        `availability` published · `asked` to stop · `end` of the night
    who : whose screen, or which receiver
    """

    t: float
    what: str
    who: str = ""
    word: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """What tells an entry from any other, of this log or of one that began anew."""
        return json.dumps(self.fields, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Committed:
    """An event or alert of the service's log, as it was committed."""

    n: int
    leaf: str
    fields: Mapping[str, Any]

    @property
    def body(self) -> str:
        """The same of a committed entry."""
        return json.dumps(self.fields, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, and where."""

    law: str
    t: float
    why: str

    def __str__(self) -> str:
        return f"{self.t:7.1f} s  {self.law}: {self.why}"


@dataclass(frozen=True)
class History:
    """All facts of a night and the log it left.

    facts : by time
    since : for each named receiver, the number of the log from which on it receives
    late_s : by which the machine itself was late; screens may be as late
    """

    facts: Sequence[Fact]
    log: Sequence[Committed]
    since: Mapping[str, int]
    late_s: float = 0.0

    def of(self, what: str, who: str | None = None) -> Iterator[Fact]:
        """Return the facts of a kind."""
        return (f for f in self.facts if f.what == what and who in (None, f.who))


def check(history: History) -> list[Violation]:
    """Return every violation of the five laws, in order of time."""
    found = [*_heard(history), *_order(history), *_watching(history), *_alarmed(history)]
    return sorted([*found, *_stopped(history)], key=lambda each: each.t)


def blind_spells(history: History) -> list[tuple[float, float]]:
    """Return when no samples had come for longer than `BLIND_S`, while the night was wanted."""
    ends = [fact.t for fact in history.of("asked")] or [fact.t for fact in history.of("end")]
    end = min(ends, default=max((fact.t for fact in history.facts), default=0.0))
    times = [fact.t for fact in history.of("samples") if fact.t < end]
    if not times:
        return []
    spells: list[tuple[float, float]] = []
    for last, following in zip(times, [*times[1:], end], strict=True):
        begins = last + BLIND_S + history.late_s
        if following > begins:
            spells.append((begins, following))
    return spells


def _heard(history: History) -> Iterator[Violation]:
    """1. Every committed entry is heard by every named receiver."""
    for who, since in history.since.items():
        heard = {fact.body for fact in history.of("heard", who)}
        for entry in history.log:
            if entry.n > since and entry.body not in heard:
                kind = entry.fields.get("kind", "")
                yield Violation("heard", 0.0, f"{who} never heard {entry.leaf} {entry.n} ({kind})")


def _order(history: History) -> Iterator[Violation]:
    """2. A receiver hears what belongs to one event or alert in the order of the log.

    What it lacked comes later, by a replay: told as superseded, it changes nothing any more.
    """
    numbers = {entry.body: entry.n for entry in history.log}
    for who in history.since:
        latest: dict[str, int] = {}
        known: set[str] = set()  # after its own restart a receiver may tell some again
        for fact in history.of("heard", who):
            n, about = numbers.get(fact.body), fact.fields.get("id")
            if n is None or fact.body in known or not isinstance(about, str):
                continue
            known.add(fact.body)
            if n < latest.get(about, 0) and fact.word != SUPERSEDED:
                why = f"{who} heard {n} after {latest[about]} of {about}"
                yield Violation("order", fact.t, why)
            latest[about] = max(latest.get(about, 0), n)


def _watching(history: History) -> Iterator[Violation]:
    """3. No screen shows *Watching* while nothing has been watched for longer than `BLIND_S`."""
    spells = blind_spells(history)
    for who in {fact.who for fact in history.of("shown")}:
        for start, stop, word in _shown(history, who):
            for blind, seen in spells:
                first, last = max(start, blind), min(stop, seen)
                if word in SHOWS_WATCHING and first < last:
                    why = f"{who} shows {word} for {last - first:.1f} s of a spell without samples"
                    yield Violation("watching", first, why)


def _alarmed(history: History) -> Iterator[Violation]:
    """4. Every silent spell is covered by a technical alarm at every receiver that runs."""
    for who in history.since:
        alarms = [*_alerts_open(history, who)]
        for start, stop, word in _shown(history, who):
            if word in (SILENT, DARK):
                alarms.append((start, stop))
            elif word == NO_SIGNAL:
                alarms.append((start, min(stop, start + HAND_OVER_S)))
        for blind, seen in blind_spells(history):
            at = blind
            while (bare := _uncovered(at, alarms)) < seen:
                until = min([a for a, _ in alarms if a > bare] + [seen])
                why = f"{who} has no technical alarm for {until - bare:.1f} s of a silent spell"
                yield Violation("alarmed", bare, why)
                at = until


def _stopped(history: History) -> Iterator[Violation]:
    """5. Nobody says `stopped` unless a person asked."""
    asked = min((fact.t for fact in history.of("asked")), default=float("inf"))
    for fact in history.of("availability"):
        if fact.word == "stopped" and fact.t < asked:
            yield Violation("stopped", fact.t, "said stopped, and nobody had asked")
    for fact in history.of("shown"):
        if fact.word == "stopped" and fact.t < asked:
            yield Violation("stopped", fact.t, f"{fact.who} shows stopped, and nobody had asked")


def _shown(history: History, who: str) -> list[tuple[float, float, str]]:
    """Return what a screen showed from when to when."""
    facts = list(history.of("shown", who))
    end = max((fact.t for fact in history.facts), default=0.0)
    stops = [*(fact.t for fact in facts[1:]), end]
    return [(fact.t, stop, fact.word) for fact, stop in zip(facts, stops, strict=True)]


def _alerts_open(history: History, who: str) -> Iterator[tuple[float, float]]:
    """Return from when to when a technical alert was open, as this receiver heard it."""
    open_since: dict[str, float] = {}
    for fact in history.of("heard", who):
        if fact.fields.get("class") != "technical" or fact.word == SUPERSEDED:
            continue
        about = str(fact.fields.get("id"))
        if fact.fields.get("state") == "resolved":
            if about in open_since:
                yield open_since.pop(about), fact.t
        else:
            open_since.setdefault(about, fact.t)
    for since in open_since.values():
        yield since, float("inf")


def _uncovered(at: float, spans: Iterable[tuple[float, float]]) -> float:
    """Return the first moment from `at` on that no span covers."""
    for start, stop in sorted(spans):
        if start <= at < stop:
            at = stop
    return at
