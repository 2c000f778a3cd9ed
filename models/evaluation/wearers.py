"""Simulated wearers: what each learns from three reviewed nights, judged by a later one.

A wearer is one recording of a day, cut into four nights of six hours: body, strap, bed, company in
bed and habits are those that a generator draws for a recording, so they stay the same from night
to night and differ from wearer to wearer. The strap is never put on again, which real nights do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from simulators import traces_of

from detector.block import Block
from detector.evaluation.matching import (
    LOGGED,
    FoundEvent,
    Matching,
    ScoredRecording,
    Truth,
    score_recording,
)
from detector.events import Event, final_forms
from detector.recognition.personal.minimums import Personal, apply
from detector.recognition.personal.tuning import (
    Proposal,
    ReviewedEvent,
    WearerVerdict,
    accepted,
    propose,
)
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.verdict import SecondOpinion
from firmware_sim.motion import Trace

NIGHTS, REVIEWED = 4, 3
NIGHT_H = 6.0
SITE = "ankle"
"""Where people are asked to wear the sensor."""

Wearer: TypeAlias = tuple[str, str, int]
"""Generator, which of its nights, seed."""


@dataclass(frozen=True, slots=True)
class SimulatedNight:
    """What happened in a night and what was found; seconds from its beginning."""

    hours: float
    truths: tuple[Truth, ...]
    events: tuple[Event, ...]


def nights_of(
    wearer: Wearer, opinion: SecondOpinion, *, night_h: float = NIGHT_H
) -> list[SimulatedNight]:
    """Return a wearer's nights; each is watched by itself."""
    generator, name, seed = wearer
    (trace,) = traces_of(generator, name, [seed], 60 * night_h * NIGHTS, site=SITE)
    return [_night(trace, number, opinion) for number in range(NIGHTS)]


def _night(trace: Trace, number: int, opinion: SecondOpinion) -> SimulatedNight:
    length = len(trace.samples) // NIGHTS
    start_s, stop_s = (length * each / trace.fs for each in (number, number + 1))
    watcher = Watcher(site=SITE, opinion=opinion)
    samples = trace.samples[number * length : (number + 1) * length]
    said = watcher.process(Block(samples, 0, trace.fs))
    found = final_forms(said + watcher.finish())
    return SimulatedNight(
        (stop_s - start_s) / 3600,
        tuple(
            Truth(
                onset_s=each.onset_s - start_s,
                end_s=each.onset_s + each.duration_s - start_s,
                kind=each.kind,
                parts=each.parts or (),
            )
            for each in trace.truth
            if start_s <= each.onset_s < stop_s
        ),
        tuple(replace(event, id=f"{number}/{event.id}") for event in found),
    )


def reviewed(nights: Sequence[SimulatedNight]) -> list[ReviewedEvent]:
    """Return the verdicts of somebody who knows the truth, on all that would be an alarm."""
    return [
        ReviewedEvent(
            event,
            WearerVerdict.REAL if is_real(event, night) else WearerVerdict.FALSE,
            f"night {number}",
        )
        for number, night in enumerate(nights)
        for event in night.events
        if event.kind in LOGGED
    ]


def is_real(event: Event, night: SimulatedNight) -> bool:
    """Whether the event overlaps a true one of the spasm family, as in scoring."""
    rule = Matching()
    return any(
        truth.onset_s - rule.early_s < event.end_s and event.onset_s < truth.end_s + rule.late_s
        for truth in night.truths
        if truth.kind.is_spasm_family
    )


def learned(nights: Sequence[SimulatedNight]) -> tuple[Personal, list[Proposal]]:
    """Return what a wearer has who reviews the nights and says yes to every proposal."""
    own, proposals = Personal(), []
    for answer in propose(reviewed(nights), own):
        if isinstance(answer, Proposal):
            own = accepted(own, answer)
            proposals.append(answer)
    return own, proposals


def counts(nights: Sequence[SimulatedNight], own: Personal) -> dict[str, int]:
    """Return false alarms, and how many of the true likely spasms an alarm lies on."""
    scored = [_scored(night, own) for night in nights]
    truths = [
        truth
        for each in scored
        for truth in each.truths
        if truth.kind in LOGGED and not truth.short
    ]
    return {
        "false": sum(f.false and f.kind in LOGGED for each in scored for f in each.found),
        "seen": sum(bool(truth.as_kinds & LOGGED) for truth in truths),
        "truths": len(truths),
    }


def _scored(night: SimulatedNight, own: Personal) -> ScoredRecording:
    said = (apply(event, own) for event in night.events)
    return score_recording(
        night.truths,
        [FoundEvent(onset_s=e.onset_s, end_s=e.end_s, kind=e.kind) for e in said],
        monitored=[(0.0, 3600 * night.hours)],
    )


def lived(nights: Sequence[SimulatedNight]) -> tuple[dict[str, Any], Personal]:
    """Return a wearer's figures as plain data, and their minimums.

    `held` are the real events of the later night that the minimums hold back, `expected` how many
    the proposals said it would be.
    """
    first, later = nights[:REVIEWED], nights[REVIEWED:]
    own, proposals = learned(first)
    real = [e for night in later for e in night.events if e.kind in LOGGED and is_real(e, night)]
    expected = {each.kind: each.lost.expected for each in proposals if each.lost is not None}
    return {
        "hours": sum(night.hours for night in later),
        "labels": len(reviewed(first)),
        "before": counts(later, Personal()),
        "after": counts(later, own),
        "minimums": {each.kind.value: each.at_least for each in own.minimums},
        "real": len(real),
        "held": sum(apply(event, own).kind is not event.kind for event in real),
        "expected": sum(expected.get(event.kind, 0.0) for event in real),
    }, own
