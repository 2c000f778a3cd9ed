"""What a wearer's labels propose, with what it would have done on the last nights. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any

from detector.alerts.commands import SaidKind
from detector.events import Event
from detector.recognition.personal.minimums import (
    MEASURED,
    Personal,
    apply,
    kind_found,
    to_dict,
)
from detector.recognition.personal.tuning import (
    LEAST_LABELS,
    LEAST_NIGHTS,
    NoProposal,
    Proposal,
    ReviewedEvent,
    WearerVerdict,
    accepted,
    propose,
)
from detector.review.gathering import ReviewedNights
from detector.words.phrases import COUNTED

SCHEMA = "tune/1"
PREVIEWED = 7  # nights, the latest

VERDICTS = {
    SaidKind.SPASM: WearerVerdict.REAL,
    SaidKind.CLONUS: WearerVerdict.REAL,
    SaidKind.NOT_A_SPASM: WearerVerdict.FALSE,
    SaidKind.NOT_SURE: WearerVerdict.UNSURE,
}
"""Whoever says that it was a spasm of another kind says that it was real."""


@dataclass(frozen=True)
class PreviewedNight:
    """How many likely spasms, twitches apart, a night has with the minimums of now and then."""

    evening: date
    now: int
    then: int


@dataclass(frozen=True)
class TuneOffer:
    """What is proposed, and everything that who decides needs to know.

    now, then : the minimums, the same where nothing is proposed
    labels, nights : how many labels say real or false, and of how many nights
    elsewhere : how many labels do not count, as they are of another sensor or model
    preview : the latest nights, the last one last
    """

    now: Personal
    then: Personal
    proposals: tuple[Proposal, ...]
    others: tuple[NoProposal, ...]
    labels: int
    nights: int
    elsewhere: int
    preview: tuple[PreviewedNight, ...]

    @property
    def missing_labels(self) -> int:
        """How many labels it takes besides, before something stricter is proposed."""
        return max(0, LEAST_LABELS - self.labels)

    @property
    def missing_nights(self) -> int:
        """How many reviewed nights it takes besides."""
        return max(0, LEAST_NIGHTS - self.nights)

    @property
    def digest(self) -> str:
        """What tells this offer from every other: who says yes says it to what they saw."""
        both = [to_dict(self.now), to_dict(self.then)]
        return sha256(json.dumps(both, sort_keys=True).encode()).hexdigest()[:16]


def scoped(own: Personal, wearer: str | None, sensor: str | None, model: str) -> Personal:
    """Return the minimums of this wearer, sensor and model: none, where they are of others.

    Parameters
    ----------
    sensor : None where several are worn
    """
    if (own.wearer, own.sensor, own.model) == (wearer, sensor, model):
        return own
    return Personal(version=own.version, wearer=wearer, sensor=sensor, model=model)


def offer_of(known: ReviewedNights, own: Personal) -> TuneOffer:
    """Return what the labels of these nights propose."""
    said = [
        ReviewedEvent(event, VERDICTS[known.labels[event.id].verdict], evening.isoformat())
        for evening, events in known.events.items()
        for event in events
        if event.id in known.labels
    ]
    answers = propose(said, own)
    proposals = tuple(each for each in answers if isinstance(each, Proposal))
    then = together(own, proposals)
    cases = [each for each in said if _counts(each, own)]
    nights = [evening for evening, events in known.events.items() if events][-PREVIEWED:]
    return TuneOffer(
        own,
        then,
        proposals,
        tuple(each for each in answers if isinstance(each, NoProposal)),
        len(cases),
        len({each.night for each in cases}),
        sum(not own.concerns(each.event) for each in said),
        tuple(
            PreviewedNight(
                evening,
                _likely(known.events[evening], own),
                _likely(known.events[evening], then),
            )
            for evening in nights
        ),
    )


def together(own: Personal, proposals: Sequence[Proposal]) -> Personal:
    """Return the next version with all proposals: one yes, and one undo."""
    if not proposals:
        return own
    after = own
    for each in proposals:
        after = accepted(after, each)
    return replace(after, version=own.version + 1, previous=own.minimums)


def as_found(event: Event) -> Event:
    """Return an event as the detector found it, whether or not a minimum held it back."""
    if event.held_back is None:
        return event
    was = event.facts.get("was")
    facts = was if isinstance(was, dict) else {}
    return replace(event, kind=event.held_back, held_back=None, facts=facts)


def offer_json(offer: TuneOffer, *, applied: bool) -> dict[str, Any]:
    """Return the object `tune/1`."""
    return {
        "schema": SCHEMA,
        "labels": offer.labels,
        "nights": offer.nights,
        "elsewhere": offer.elsewhere,
        "missing": {"labels": offer.missing_labels, "nights": offer.missing_nights},
        "proposals": [_proposal(each) for each in offer.proposals],
        "nothing_for": [
            {"kind": str(each.kind), "doubt": str(each.doubt), "numbers": dict(each.numbers)}
            for each in offer.others
        ],
        "preview": [
            {"night": each.evening.isoformat(), "now": each.now, "then": each.then}
            for each in offer.preview
        ],
        "now": to_dict(offer.now),
        "then": to_dict(offer.then),
        "applied": applied,
    }


def _proposal(each: Proposal) -> dict[str, Any]:
    tallies = {"now": each.now, "then": each.then, "left_out": each.left_out}
    return {
        "kind": str(each.kind),
        **{
            name: {part: len(getattr(tally, part)) for part in tally.__slots__}
            for name, tally in tallies.items()
        },
        "lost": None
        if each.lost is None
        else {"expected": round(each.lost.expected, 4), "most": round(each.lost.most, 4)},
    }


def _counts(each: ReviewedEvent, own: Personal) -> bool:
    """Whether a label counts among those that a stricter minimum takes."""
    sure = each.verdict is not WearerVerdict.UNSURE
    return sure and own.concerns(each.event) and kind_found(each.event) in MEASURED


def _likely(events: Sequence[Event], own: Personal) -> int:
    return sum(apply(as_found(event), own).kind in COUNTED for event in events)
