"""Likely spasms of a night by one rule: runs, episodes, grades, and the time they took. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from detector.events import Event, Kind
from detector.recognition.rules.reason import Reason
from detector.recognition.rules.verdict import HELD_S
from detector.words.phrases import COUNTED

RUN_PAUSE_S = 1.0
"""Movements with a shorter pause between them are one spasm: "a rapid series of jerks counts as
one" (Snow et al. 1990, Ann Neurol 28:512, the spasm frequency scale)."""

EPISODE_PAUSE_S = 90.0  # the contract's: one notification
LONGEST_MOST = 3


@dataclass(frozen=True, slots=True)
class Together:
    """Likely spasms that follow each other within a pause.

    events : by onset, one at least
    """

    events: tuple[Event, ...]

    @property
    def begin(self) -> datetime:
        """When the first began, UTC."""
        return onset_of(self.events[0])

    @property
    def end(self) -> datetime:
        """When the last of them was over, UTC."""
        return max(map(end_of, self.events))


def onset_of(event: Event) -> datetime:
    """Return when an event with a wall clock began, UTC."""
    assert event.onset is not None  # noqa: S101 - a night has no others
    return event.onset.astimezone(UTC)


def end_of(event: Event) -> datetime:
    """Return when an event with a wall clock was over, UTC."""
    return onset_of(event) + timedelta(seconds=event.duration_s)


def likely_of(events: Iterable[Event]) -> list[Event]:
    """Return likely spasms, twitches apart, by onset."""
    found = [each for each in events if each.kind in COUNTED and each.onset is not None]
    return sorted(found, key=lambda event: (onset_of(event), event.id))


def together(events: Sequence[Event], pause_s: float) -> list[Together]:
    """Join events, in order of onset, whose pauses are shorter than `pause_s`.

    A pause is from the end of all that went before to the next onset.
    """
    groups: list[list[Event]] = []
    over: datetime | None = None
    for event in events:
        begin, end = onset_of(event), end_of(event)
        if over is not None and (begin - over).total_seconds() < pause_s:
            groups[-1].append(event)
            over = max(over, end)
        else:
            groups.append([event])
            over = end
    return [Together(tuple(group)) for group in groups]


def burden_s(events: Sequence[Event]) -> float:
    """Return how long anything of these events went on, s: what overlaps counts once."""
    total, over = timedelta(0), None
    for event in sorted(events, key=onset_of):
        begin, end = onset_of(event), end_of(event)
        begin = begin if over is None else max(begin, over)
        total += max(end - begin, timedelta(0))
        over = end if over is None else max(over, end)
    return total.total_seconds()


def longest(events: Iterable[Event]) -> list[Event]:
    """Return the longest likely spasms, the longest first."""
    ordered = sorted(likely_of(events), key=lambda event: (-event.duration_s, onset_of(event)))
    return ordered[:LONGEST_MOST]


@dataclass(frozen=True, slots=True)
class GradeCounts:
    """How many events have each SCATS grade, 1 to 3.

    clonus, extensor : by how long they lasted: < 3, 3 to 10, > 10 s
    flexor : limbs drawn up, held and let go, by the angle: < 10, 10 to 30, > 30 degrees
    """

    clonus: tuple[int, int, int]
    extensor: tuple[int, int, int]
    flexor: tuple[int, int, int]


def is_flexor(event: Event) -> bool:
    """Return whether a spasm drew the limb up, held it and let it go: its angle grades it."""
    facts = event.facts
    pulled = event.kind is Kind.SPASM and facts.get("reason") == Reason.PULL
    away_s = facts.get("away_s")
    return pulled and facts.get("let_go") is True and away_s is not None and away_s >= HELD_S


def grades(events: Iterable[Event]) -> GradeCounts:
    """Count SCATS grades, as the events carry them."""
    clonus, extensor, flexor = [0, 0, 0], [0, 0, 0], [0, 0, 0]
    for event in events:
        if event.grade is None or event.kind not in {Kind.CLONUS, Kind.SPASM}:
            continue
        rows = clonus if event.kind is Kind.CLONUS else flexor if is_flexor(event) else extensor
        rows[event.grade - 1] += 1

    def three(counts: list[int]) -> tuple[int, int, int]:
        return counts[0], counts[1], counts[2]

    return GradeCounts(three(clonus), three(extensor), three(flexor))
