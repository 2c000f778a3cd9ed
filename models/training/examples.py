"""What training sees: the numbers of every bout at its moments, and what truly happened then.

Watched once, a recording's examples are kept in a folder, so that fitting again takes a minute.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from recordings import Origin, Recording, Source

from detector.block import Block
from detector.dsp.frames import Bools
from detector.dsp.grid import GRID_HZ
from detector.evaluation.matching import Matching, Truth
from detector.events import Kind
from detector.recognition.bouts.bout import Moment
from detector.recognition.bouts.frame_table import FrameTable
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.features import FEATURES, numbers_of
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.opinions import NAMES, Question, load_model, may_be_twitch
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding, conclude
from detector.store.formats.checks import runs

MATCHING = Matching()
MOMENTS: Final = tuple(Moment)
RULES = "rules-v1"

KINDS: Final = (Kind.SPASM, Kind.TONIC, Kind.CLONUS, Kind.TWITCH, Kind.TREMOR)
"""Kinds of truth that an opinion can be right about; columns of `Rows.truly`."""

ROW: Final = np.dtype(
    [
        ("numbers", "f4", (len(FEATURES),)),
        ("moment", "i1"),  # index of `MOMENTS`
        ("rhythm", "?"),  # the rule of a rhythm holds
        ("short", "?"),  # it may be a twitch
        ("named", "i1"),  # what the rules call it, index of `KINDS`; -1 for anything else
        ("first", "i8"),  # frame: the same for all moments of a bout
        ("onset_s", "f8"),
        ("end_s", "f8"),  # as far as it was seen
        ("truly", "?", (len(KINDS),)),
    ]
)
TRUTH: Final = np.dtype(
    [("onset_s", "f8"), ("end_s", "f8"), ("kind", "i1"), ("parts", "?", (len(KINDS),))]
)
"""Truths of `KINDS` alone; `parts` says which of them a mixed one is made of, its own too."""

READ: Final = (
    "detector/block.py", "detector/dsp", "detector/recognition", "detector/evaluation/matching.py",
    "detector/store/formats", "firmware_sim", "models/rules-v1/model.json",
)  # fmt: skip
NOT_READ: Final = ("opinions.py", "trees.py")  # what weighs the numbers
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A recording's examples.

    Parameters
    ----------
    rows : (n,) of `ROW`
    truths : (truths,) of `TRUTH`
    """

    source: Source
    hours: float
    rows: NDArray[Any]
    truths: NDArray[Any]


class Examples:
    """The examples of many recordings, as columns, in the order of the recordings."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self.watched = tuple(watched)
        rows = np.concatenate([each.rows for each in watched] or [np.zeros(0, ROW)])
        counts = [len(each.rows) for each in watched]
        self.recording = np.repeat(np.arange(len(watched)), counts)
        self.numbers = rows["numbers"]
        self.rhythm: Bools = rows["rhythm"]
        self.short: Bools = rows["short"]
        self.first: NDArray[np.int64] = rows["first"]
        self.onset_s, self.end_s = rows["onset_s"], rows["end_s"]
        self._moment = rows["moment"]
        self._named = rows["named"]
        self._truly = rows["truly"]
        sources = [each.source for each in watched]
        self.origin = np.array([s.origin.value for s in sources], object)[self.recording]
        self.group = np.array([s.group for s in sources], object)[self.recording]
        self.scene = np.array([s.scene for s in sources], object)[self.recording]
        self.varied: Bools = np.array([s.varied for s in sources], bool)[self.recording]

    def __len__(self) -> int:
        return len(self.recording)

    def at(self, *moments: Moment) -> Bools:
        """Return which rows are of one of these moments."""
        return np.isin(self._moment, [MOMENTS.index(moment) for moment in moments])

    def truly(self, *kinds: Kind) -> Bools:
        """Return which rows overlap a truth of one of these kinds."""
        columns = [KINDS.index(kind) for kind in kinds]
        return np.asarray(self._truly[:, columns].any(axis=1), bool)

    def named(self, question: Question) -> Bools:
        """Return which rows the rules call by the name that a question asks for."""
        names = [KINDS.index(kind) for kind in NAMES.get(question, ())]
        return np.isin(self._named, names)

    def only(self, keep: Bools) -> Examples:
        """Return the recordings that are kept: one flag each."""
        return Examples([each for each, kept in zip(self.watched, keep, strict=True) if kept])

    def among(self, *, origins: Iterable[Origin] = Origin, scenes: Iterable[str] = ()) -> Examples:
        """Return those of some origins, and of some scenes if any are named."""
        of, played = set(origins), set(scenes)
        return self.only(
            np.array(
                [
                    each.source.origin in of and (not played or each.source.scene in played)
                    for each in self.watched
                ],
                bool,
            )
        )

    def without(self, group: str) -> Examples:
        """Return those of all other data sets."""
        return self.only(np.array([each.source.group != group for each in self.watched], bool))

    @property
    def hours(self) -> float:
        """Return how long all recordings are."""
        return sum(each.hours for each in self.watched)


class Recorder:
    """Records all bouts at their moments, as an observer of the pipeline."""

    def __init__(self, rules: Rules, recording: Recording) -> None:
        self._rules = rules
        self._recording = recording
        self.rows: list[tuple[Any, ...]] = []

    def see_frames(self, wearer: int, frames: FrameTable, **rest: Any) -> None:
        """Take frames, of which nothing is recorded."""

    def see_case(self, wearer: int, case: Case, finding: Finding) -> None:  # noqa: ARG002
        """Record a bout at one of its moments, and how the rules name it."""
        row = row_of(case, finding, self._rules, self._recording.truths)
        if not any(a < row[-2] and row[-3] < b for a, b in self._recording.left_out):
            self.rows.append(row)


def row_of(case: Case, finding: Finding, rules: Rules, truths: Iterable[Truth]) -> tuple[Any, ...]:
    """Return a bout as one of `ROW`."""
    bout = case.bout
    onset_s, end_s = bout.onset.sample / GRID_HZ, bout.end_sample / GRID_HZ
    return (
        numbers_of(case, rules),
        MOMENTS.index(bout.moment),
        case.rhythm is not None and case.holds(RuleName.RHYTHM),
        may_be_twitch(case, rules),
        KINDS.index(finding.kind) if finding.kind in KINDS else -1,
        bout.first,
        onset_s,
        end_s,
        truly(truths, onset_s, end_s),
    )


def truly(truths: Iterable[Truth], onset_s: float, end_s: float) -> tuple[bool, ...]:
    """Return of which `KINDS` a truth overlaps what was seen, with the margins of `MATCHING`."""
    there = [
        truth
        for truth in truths
        if truth.onset_s - MATCHING.early_s < end_s and onset_s < truth.end_s + MATCHING.late_s
    ]
    return tuple(any(truth.accepts(kind) for truth in there) for kind in KINDS)


def watch(recording: Recording) -> Watched:
    """Watch a recording as the product does, by the rules alone."""
    rules, _ = load_model(RULES, site=recording.site)
    recorder = Recorder(rules, recording)
    # With the rules' own opinion as the second one all moments are looked at.
    watcher = Watcher(site=recording.site, model=RULES, opinion=conclude, observer=recorder)
    whole = np.asarray(np.isfinite(recording.samples).all(axis=1))
    for first, stop in runs(whole):
        watcher.process(Block(recording.samples[first:stop], first, recording.fs))
    watcher.finish()
    return Watched(
        recording.source,
        recording.hours,
        np.array(recorder.rows, ROW),
        _truths(recording.truths),
    )


def _truths(truths: Iterable[Truth]) -> NDArray[Any]:
    known = [truth for truth in truths if truth.kind in KINDS]
    return np.array(
        [
            (t.onset_s, t.end_s, KINDS.index(t.kind), tuple(t.accepts(kind) for kind in KINDS))
            for t in known
        ],
        TRUTH,
    )


def gather(
    sources: Iterable[Source],
    traces: Path,
    *,
    cache: Path | None = None,
    processes: int = 1,
) -> Examples:
    """Return the examples of many recordings, in their order.

    Parameters
    ----------
    traces : folder of the real recordings
    cache : folder in which examples are kept by recording and code; None keeps none
    processes : how many recordings are watched at once
    """
    work = partial(_watched, traces=traces, cache=cache, code="" if cache is None else code())
    if processes == 1:
        return Examples([work(source) for source in sources])
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        # In pairs: a varied recording comes behind the one that it is made from.
        return Examples(list(pool.map(work, sources, chunksize=2)))


def _watched(source: Source, *, traces: Path, cache: Path | None, code: str) -> Watched:
    if cache is None:
        return watch(source.recording(traces))
    kept = cache_file(cache, source, code)
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            return Watched(source, float(file["hours"]), file["rows"], file["truths"])
    watched = watch(source.recording(traces))
    keep(kept, watched)
    return watched


def keep(path: Path, watched: Watched) -> None:
    """Write the examples of a recording; a file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, rows=watched.rows, truths=watched.truths, hours=watched.hours)
    part.replace(path)


def cache_file(cache: Path, source: Source, code: str) -> Path:
    """Return where the examples of a recording are kept."""
    digest = sha256(json.dumps([source.name, code]).encode()).hexdigest()[:16]
    return cache / f"{source.name.replace(' ', '_').replace('/', '_')}.{digest}.npz"


def code() -> str:
    """Return the digest of all that examples depend on: simulators, detector, thresholds."""
    digest = sha256()
    for part in (
        *READ,
        *(f"models/training/{name}.py" for name in ("recordings", "variation", "examples")),
    ):
        path = ROOT / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if file.name not in NOT_READ:
                digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()
