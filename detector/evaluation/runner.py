"""Recordings and labels in; figures of our detector and of peers on the same samples out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.block import Block, Samples, Timebase
from detector.errors import RecordingError
from detector.evaluation.matching import (
    Context,
    FoundEvent,
    Matching,
    ScoredRecording,
    Truth,
    score_recording,
)
from detector.evaluation.peers import PEERS, Peers
from detector.evaluation.scoring import Score, summarise
from detector.events import Event, Kind
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance, detector_version
from detector.sites import SITES
from detector.store.formats.checks import runs
from detector.store.formats.label_names import misspelt
from detector.store.formats.labels import Label, Labels, find_labels, read_labels
from detector.store.formats.reader import open_recording
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.reader import Where

OURS = "spasmwatch"
DEFAULT_SITE = "ankle"
CHUNK_S = 0.2
"""Length of live packets; a packet of a Polar sensor holds 0.2 to 1.4 s (design, "Speed")."""

SUFFIXES = (".csv", ".tsv", ".npz", ".sqlite")
"""Of what a folder holds, these are tried; a table of events, channels or people is none."""

NO_RECORDINGS = ("_events", "_channels", "_electrodes", "participants", "_scans")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCase:
    """One recording to be scored; `open` is called once, when its turn comes.

    labels : None without any: nothing in it can be scored, unless it is known to be free of spasms
    site : where it was worn, None for what the recording says, or ankle
    """

    name: str
    open: Callable[[], RecordingReader]
    labels: Labels | None
    site: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A line of the result: one recording that was scored, or left out for want of labels.

    Where no subject is named, the recording counts as one of its own.
    """

    name: str
    labels: str | None
    subject: str | None
    site: str
    hours: float
    truths: int
    simulated: int
    outside: int
    warnings: tuple[str, ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of one run; `scores` has ours first, then the peers by name."""

    version: str
    model: str
    scores: dict[str, Score]
    recordings: tuple[Recorded, ...]
    matching: Matching
    kinds: tuple[Kind, ...] | None
    skipped: tuple[str, ...]
    streamed: bool
    spasm_free: bool

    @property
    def hours(self) -> float:
        """Monitored and scored."""
        return self.scores[OURS].hours


def case_of_file(
    path: Path,
    labels: Path | None = None,
    *,
    fs: float | None = None,
    unit: str | None = None,
    where: Where | None = None,
    site: str | None = None,
) -> EvaluationCase:
    """Return the case of a recording, with the labels named or those beside or inside it.

    Raises
    ------
    RecordingError
        The labels are wrong, or there is no such recording; its samples are read later.
    """
    with open_recording(path, fs=fs, unit=unit, where=where):
        pass  # a wrong header is reported before hours of work
    return EvaluationCase(
        name=path.name,
        open=lambda: open_recording(path, fs=fs, unit=unit, where=where),
        labels=read_labels(labels) if labels is not None else find_labels(path),
        site=site,
    )


def case_of_samples(
    name: str,
    samples: Samples,
    fs: float,
    labels: Sequence[Label] = (),
    *,
    simulated: bool,
    subject: str | None = None,
    site: str | None = None,
) -> EvaluationCase:
    """Return the case of an array in memory, (n, 3), g; rows that are not finite are a gap."""

    def read() -> RecordingReader:
        whole = np.atleast_1d(np.isfinite(samples).all(axis=1))
        return RecordingReader(
            name=name,
            recording=name,
            timebase=Timebase(fs),
            total=len(samples),
            source=(Block(samples[first:stop], first, fs) for first, stop in runs(whole)),
            close=lambda: None,
        )

    said = Labels(items=tuple(labels), name=name, subject=subject, simulated=simulated)
    return EvaluationCase(name=name, open=read, labels=said, site=site)


def recordings_in(paths: Iterable[Path]) -> list[Path]:
    """Return files as they are, and for a folder the recordings in it and below, in order.

    Raises
    ------
    RecordingError
        A folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if _may_be_recording(file, path))
        if not inside:
            raise RecordingError(f"{path} holds no recordings: none ends in {', '.join(SUFFIXES)}")
        found += inside
    return found


def _may_be_recording(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return (
        not hidden
        and file.suffix.lower() in SUFFIXES
        and not file.stem.endswith(NO_RECORDINGS)
        and file.is_file()
    )


def compare(
    recordings: Iterable[EvaluationCase | Path],
    *,
    site: str | None = None,
    kinds: Sequence[Kind] | None = None,
    skip: Sequence[str] = (),
    latency: bool = False,
    peers: bool = True,
    matching: Matching | None = None,
    spasm_free: bool = False,
) -> Evaluation:
    """Score our detector, and the peers, on the same samples.

    One recording is in memory at a time, and of it only pieces.

    Parameters
    ----------
    recordings : files or cases; taken one by one, so they may come from a generator
    site : where all of them were worn; None for what each says
    kinds, skip : score only these kinds; score nothing under these labels
    latency : stream in chunks of 0.2 s, as live, and note when each event is first reported.
        Events are the same either way; without it our latency is not measured
    peers : score them too
    spasm_free : recordings without labels hold no spasm, and every alarm in them is false; else
        they are left out of every figure

    Raises
    ------
    RecordingError
        A recording cannot be read, and there are no figures of a part; or none has labels.
    """
    rule = matching or Matching()
    outcomes: dict[str, list[ScoredRecording]] = {
        name: [] for name in (OURS, *(PEERS if peers else ()))
    }
    notes: list[Recorded] = []
    for number, item in enumerate(recordings):
        case = case_of_file(item) if isinstance(item, Path) else item
        taken = _take(case, site=site or case.site, latency=latency, peers=peers)
        truths, contexts = _said(case.labels)
        named = case.labels.subject if case.labels else None
        scored = {
            name: score_recording(
                truths,
                found,
                contexts,
                monitored=taken.monitored,
                skip=skip,
                subject=named or f"recording {number:05}",
                matching=rule,
            )
            for name, found in taken.found.items()
        }
        counts = case.labels is not None or spasm_free
        for name, outcome in scored.items() if counts else ():
            outcomes[name].append(outcome)
        notes.append(_note(case, taken, named, scored[OURS], counts=counts))
    if notes and not outcomes[OURS]:
        raise RecordingError(
            "no recording has labels, so that nothing can be scored: name them by --labels, or say "
            "--spasm-free where there was no spasm"
        )
    version = detector_version()
    return Evaluation(
        version=version.version,
        model=version.model,
        scores={name: summarise(scored, kinds=kinds) for name, scored in outcomes.items()},
        recordings=tuple(notes),
        matching=rule,
        kinds=None if kinds is None else tuple(kinds),
        skipped=tuple(skip),
        streamed=latency,
        spasm_free=spasm_free,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    site: str
    monitored: list[tuple[float, float]]
    found: dict[str, list[FoundEvent]]
    warnings: tuple[str, ...]
    is_whole: bool


def _take(case: EvaluationCase, *, site: str | None, latency: bool, peers: bool) -> _Taken:
    """Run a recording through the same `Night` as live, and through the peers' rules."""
    first_word_s: dict[str, float] = {}
    others = Peers() if peers else None
    with case.open() as reader:
        placement = case.labels.placement if case.labels else None
        worn = site or reader.site or site_of(placement) or DEFAULT_SITE
        provenance = Provenance(reader.wearer, reader.sensor, reader.recording)
        sensor = RecordedSensor(reader, WornSensor(provenance, worn))
        recorded = RecordedNight([sensor], piece_s=CHUNK_S if latency else None)
        stop_s = 0.0
        for step in recorded.steps():
            for _, block in step.blocks:
                stop_s = block.stop / block.fs
                if others is not None:
                    others.process(block)
            for event in step.told.events if latency else ():
                if event.kind.is_spasm_family:
                    first_word_s.setdefault(event.id, stop_s)
        ours = [_found(event, first_word_s.get(event.id)) for event in recorded.events]
        found = {OURS: ours} | (others.finish() if others is not None else {})
        (stretches,) = recorded.stretches
        return _Taken(
            site=worn,
            monitored=[(stretch.start_s, stretch.stop_s) for stretch in stretches],
            found=found,
            warnings=tuple(recorded.warnings),
            is_whole=recorded.is_whole,
        )


def site_of(placement: str | None) -> str | None:
    """Return the site that a free description names: `left wrist smartwatch` is the wrist."""
    words = (placement or "").lower()
    return next((site for site in SITES if site in words), None)


def _found(event: Event, said_s: float | None) -> FoundEvent:
    return FoundEvent(
        onset_s=event.onset_s,
        end_s=event.end_s,
        kind=event.kind,
        confidence=event.confidence,
        rhythm_hz=event.rhythm_hz,
        said_s=said_s,
        began=event.context,
    )


def _said(labels: Labels | None) -> tuple[list[Truth], list[Context]]:
    """Split labels into movements that happened and contexts."""
    truths: list[Truth] = []
    contexts: list[Context] = []
    for label in labels.items if labels else ():
        if label.kind is None:
            contexts.append(Context(onset_s=label.onset_s, end_s=label.end_s, label=label.text))
        else:
            truths.append(
                Truth(
                    onset_s=label.onset_s,
                    end_s=label.end_s,
                    kind=label.kind,
                    parts=label.parts,
                    rhythm_hz=label.rhythm_hz,
                    manner=label.manner,
                    background_ratio=label.background_ratio,
                )
            )
    return truths, contexts


def _note(
    case: EvaluationCase,
    taken: _Taken,
    subject: str | None,
    outcome: ScoredRecording,
    *,
    counts: bool,
) -> Recorded:
    items = case.labels.items if case.labels else ()
    movements = [label for label in items if label.kind is not None]
    everything = bool(case.labels and case.labels.simulated)
    warnings = list(taken.warnings)
    if not counts:
        warnings.append(f"{case.name} has no labels: it is left out of every figure")
    for label in items:
        near = misspelt(label.text)
        if (
            near is not None
            and (note := f'{case.name}: "{label.text}" looks like {near}: spell it so')
            not in warnings
        ):
            warnings.append(note)
    if outcome.outside:
        warnings.append(
            f"{case.name}: {outcome.outside} labelled movements lie in a gap, beyond the end or "
            "in what is skipped, and do not count"
        )
    return Recorded(
        name=case.name,
        labels=case.labels.name if case.labels else None,
        subject=subject,
        site=taken.site,
        hours=outcome.monitored_s / 3600,
        truths=len(movements),
        simulated=sum(everything or label.engine is not None for label in movements),
        outside=outcome.outside,
        warnings=tuple(warnings),
        is_whole=taken.is_whole,
    )
