"""Training examples: what the rules named, its numbers, and whether the name was right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from recordings import Recording

from detector.block import Block
from detector.dsp.grid import GRID_HZ
from detector.evaluation.matching import Matching
from detector.events import Event, Kind, final_forms
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.refinement import features_of
from detector.recognition.rules.verdict import Finding, Refine
from detector.store.formats.checks import runs

MATCHING = Matching()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One finding of the rules.

    Parameters
    ----------
    right : whether a truth of that name lies there
    near : whether one of the spasm family does: a spasm called a twitch is no false alarm
    engine : clonus engine of the truth that it overlaps
    over : whether the bout had ended; else it was still going on
    bout : the same for all moments of a bout
    """

    kind: Kind
    values: tuple[float, ...]
    right: bool
    near: bool
    engine: str | None
    group: str
    subject: str
    over: bool
    bout: str


class Recorder:
    """A refinement that changes nothing and records its inputs."""

    def __init__(self) -> None:
        self.seen: list[tuple[Case, Finding]] = []

    def __call__(self, case: Case, finding: Finding) -> Finding:
        """Record one case; return the finding unchanged."""
        if features_of(case, finding) is not None:
            self.seen.append((case, finding))
        return finding


def watch(recording: Recording, refinement: Refine | None = None) -> list[Event]:
    """Return the final events of a recording, as in the product."""
    watcher = Watcher(site=recording.site, refinement=refinement)
    said: list[Event] = []
    whole = np.asarray(np.isfinite(recording.samples).all(axis=1))
    for first, stop in runs(whole):
        said += watcher.process(Block(recording.samples[first:stop], first, recording.fs))
    return final_forms(said + watcher.finish())


def examples_of(recording: Recording) -> Iterator[Example]:
    """Return every finding of the rules that a refinement may change."""
    recorder = Recorder()
    watch(recording, recorder)
    for case, finding in recorder.seen:
        onset_s, end_s = finding.onset / GRID_HZ, finding.end / GRID_HZ
        if _overlaps(recording.left_out, onset_s, end_s):
            continue
        at = [
            number
            for number, truth in enumerate(recording.truths)
            if truth.onset_s - MATCHING.early_s < end_s and onset_s < truth.end_s + MATCHING.late_s
        ]
        right = [n for n in at if recording.truths[n].accepts(finding.kind)]
        values = features_of(case, finding)
        assert values is not None  # noqa: S101 - the recorder asked the same
        yield Example(
            kind=finding.kind,
            values=tuple(values.values()),
            right=bool(right),
            near=any(recording.truths[n].kind.is_spasm_family for n in at),
            engine=recording.engines[right[0]] if right else None,
            group=recording.group,
            subject=recording.subject,
            over=case.facts.over,
            bout=f"{recording.name} {case.bout.first}",
        )


def gather(recordings: Iterable[Recording]) -> list[Example]:
    """Return the examples of many recordings, in their order."""
    return [example for recording in recordings for example in examples_of(recording)]


def _overlaps(spans: Iterable[tuple[float, float]], onset_s: float, end_s: float) -> bool:
    return any(start < end_s and onset_s < end for start, end in spans)
