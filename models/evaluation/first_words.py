"""When a likely spasm is first published, and how many announcements are taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from detector.evaluation.intervals import spread
from detector.evaluation.matching import LOGGED, Matching
from detector.evaluation.runner import CHUNK_S, EvaluationCase
from detector.events import Event, Kind, announced
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.labels import Label

SUDDEN, RAMPED, CLONUS = "sudden", "ramped", "clonus"

Said = tuple[float, Event]
"""A form of an event, and the sample clock at the end of the packet with which it was told."""


def said_in(case: EvaluationCase, site: str) -> list[Said]:
    """Return every form of every event, in packets of `CHUNK_S` as live, with its moment in s."""
    said: list[Said] = []
    with case.open() as reader:
        worn = WornSensor(Provenance(recording=reader.recording), site)
        recorded = RecordedNight([RecordedSensor(reader, worn)], piece_s=CHUNK_S)
        stop_s = 0.0
        for step in recorded.steps():
            for _, block in step.blocks:
                stop_s = block.stop / block.fs
            said += [(stop_s, event) for event in step.told.events]
    return said


def manner_of(truth: Label) -> str | None:
    """Return how a likely spasm starts; None of any other movement.

    A spasm is ramped where the generator says so, and so is one that ends in clonus.
    """
    kind = truth.kind
    if kind is Kind.SPASM or (kind is Kind.CLONUS and Kind.SPASM in truth.parts):
        return RAMPED if (truth.manner or "").startswith(RAMPED) else SUDDEN
    return CLONUS if kind is Kind.CLONUS else None


def waits_s(truths: Iterable[Label], said: Sequence[Said]) -> dict[str, list[float | None]]:
    """Return by manner the time from each true onset to the first word, None where there is none.

    A word is a form whose kind is clonus, spasm or tonic and which itself overlaps the movement,
    with the tolerances of the scoring. What is said before the onset, of a movement that ran into
    it, counts as said at the onset.
    """
    rule = Matching()
    words = [(at_s, form) for at_s, form in said if form.kind in LOGGED]
    waits: dict[str, list[float | None]] = {}
    for truth in truths:
        manner = manner_of(truth)
        if manner is None:
            continue
        low_s, high_s = truth.onset_s - rule.early_s, truth.end_s + rule.late_s
        over = [at_s for at_s, w in words if w.onset_s < high_s and w.end_s > low_s]
        wait_s = max(min(over) - truth.onset_s, 0.0) if over else None
        waits.setdefault(manner, []).append(wait_s)
    return waits


def first_words(cases: Iterable[EvaluationCase], *, site: str) -> dict[str, Any]:
    """Return the waits for first words by manner, and what became of the announcements."""
    waits: dict[str, list[float | None]] = {}
    begun = taken_back = renamed = recordings = 0
    for case in cases:
        recordings += 1
        said = said_in(case, site)
        for manner, each in waits_s(case.labels.items if case.labels else (), said).items():
            waits.setdefault(manner, []).extend(each)
        count = announced(form for _, form in said)
        begun += count.begun
        taken_back += count.taken_back
        renamed += count.renamed
    return {
        "recordings": recordings,
        "waits": {manner: _figures(each) for manner, each in sorted(waits.items())},
        "announced": {"begun": begun, "taken_back": taken_back, "renamed": renamed},
    }


def _figures(waits: Sequence[float | None]) -> dict[str, Any]:
    said = spread([wait_s for wait_s in waits if wait_s is not None])
    return {"of": len(waits), "n": said.n, "p50": said.p50, "p90": said.p90}
