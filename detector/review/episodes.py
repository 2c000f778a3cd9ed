"""Which movements of a night are asked about, in which order, and what was said of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from detector.alerts.commands import SaidKind
from detector.events import Event, Kind, Phase
from detector.recognition.personal.minimums import kind_found
from detector.store.said_labels import SaidLabel

MOST_ASKED = 10
"""Of a night: two minutes, at most, of somebody who is tired (research/experience.md)."""


class ReviewState(StrEnum):
    """What is known of an episode by what people said."""

    UNREVIEWED = "unreviewed"
    SPASM = "spasm"
    CLONUS = "clonus"
    NOT_A_SPASM = "not-a-spasm"
    NOT_SURE = "not-sure"


@dataclass(frozen=True)
class ReviewEpisode:
    """Likely spasms that are asked about as one: those of an episode of the detector.

    id : of the episode; of an event that has none, the event's
    events : in order of onset, each over and dated
    labels : of those that somebody has labelled, by id
    """

    id: str
    events: tuple[Event, ...]
    labels: Mapping[str, SaidLabel]

    @cached_property
    def chief(self) -> Event:
        """The longest event, which stands for all."""
        return max(self.events, key=lambda event: event.duration_s)

    @property
    def kind(self) -> Kind:
        """What the detector took it for, held back or not."""
        return kind_found(self.chief)

    @property
    def doubt(self) -> float:
        """How unsure the detector was: 0.5 at even odds, 0 where it was certain."""
        return 0.5 - abs(self.chief.confidence - 0.5)

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Ids of the events that nobody has labelled."""
        return tuple(event.id for event in self.events if event.id not in self.labels)

    @property
    def label(self) -> SaidLabel | None:
        """What was said of it: of its longest event, of all while some have no label."""
        return None if self.unlabelled else self.labels[self.chief.id]

    @property
    def state(self) -> ReviewState:
        """What is known of it."""
        return ReviewState.UNREVIEWED if self.label is None else ReviewState(self.label.verdict)

    @property
    def to_label(self) -> tuple[str, ...]:
        """Ids that an answer is of: what nobody has labelled, or all, to say otherwise."""
        return self.unlabelled or tuple(event.id for event in self.events)

    @property
    def as_named(self) -> SaidKind:
        """The label that agrees with the detector."""
        return SaidKind.CLONUS if self.kind is Kind.CLONUS else SaidKind.SPASM


@dataclass(frozen=True)
class NightReview:
    """A night's episodes in order of time, with what was said of them.

    evening : the date on which the night began
    """

    evening: date
    episodes: tuple[ReviewEpisode, ...]

    @property
    def asked(self) -> tuple[ReviewEpisode, ...]:
        """The episodes that are still asked about, the longest and least sure first."""
        most = in_order(self.episodes)[:MOST_ASKED]
        return tuple(each for each in most if each.state is ReviewState.UNREVIEWED)

    @property
    def unreviewed(self) -> tuple[ReviewEpisode, ...]:
        """All episodes that nobody has labelled wholly, in the same order."""
        ordered = in_order(self.episodes)
        return tuple(each for each in ordered if each.state is ReviewState.UNREVIEWED)

    def find(self, name: str) -> ReviewEpisode | None:
        """Return the episode of an id, or the one that an event of this id is part of."""
        named = [each for each in self.episodes if each.id == name]
        part = [each for each in self.episodes if name in {event.id for event in each.events}]
        return next(iter([*named, *part]), None)


def review_of(
    evening: date, events: Iterable[Event], labels: Mapping[str, SaidLabel], wearer: str | None
) -> NightReview:
    """Return what there is to say of a night's events, in whatever order they come.

    What is not over, not dated, no likely spasm, or of another wearer is never asked about.

    Parameters
    ----------
    wearer : whose events count; None where it is not known, and all do
    """
    parts: dict[str, list[Event]] = defaultdict(list)
    for event in {event.id: event for event in events}.values():
        if is_asked(event, wearer):
            parts[event.episode or event.id].append(event)
    episodes = [
        ReviewEpisode(
            name,
            tuple(sorted(some, key=_place)),
            {event.id: labels[event.id] for event in some if event.id in labels},
        )
        for name, some in parts.items()
    ]
    return NightReview(evening, tuple(sorted(episodes, key=lambda each: _place(each.events[0]))))


def is_asked(event: Event, wearer: str | None) -> bool:
    """Whether somebody may be asked about an event."""
    ours = wearer is None or event.wearer is None or event.wearer == wearer
    over = event.phase is Phase.END and event.onset is not None
    return ours and over and kind_found(event).is_spasm_family


def in_order(episodes: Sequence[ReviewEpisode]) -> list[ReviewEpisode]:
    """Return the episodes by the sum of two places: by length, and by doubt.

    What is longer and less sure than another is always before it. Of equal sums the longer is
    first, then the earlier.
    """
    lengths = sorted({each.chief.duration_s for each in episodes}, reverse=True)
    doubts = sorted({each.doubt for each in episodes}, reverse=True)
    by_length = {length: place for place, length in enumerate(lengths)}
    by_doubt = {doubt: place for place, doubt in enumerate(doubts)}

    def place(each: ReviewEpisode) -> tuple[int, float, datetime | None, str]:
        both = by_length[each.chief.duration_s] + by_doubt[each.doubt]
        return both, -each.chief.duration_s, each.chief.onset, each.id

    return sorted(episodes, key=place)


def _place(event: Event) -> tuple[datetime | None, str]:
    return event.onset, event.id
