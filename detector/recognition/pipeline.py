"""The pipeline: grid, frames, gate, rhythm, bouts, rules, sequence. One wearer is a batch of one.

`Bank` holds any number of wearers as rows; `Watcher` is one wearer with everything in front:
any rate, any packet size, gaps. There is no second pipeline for files, fleets or training.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from detector.block import AXES, Block, Edge, Samples
from detector.dsp import rhythm
from detector.dsp.frames import FRAME, FRAME_S, Bools, Floats, Floor, Framer, measure_frames
from detector.dsp.grid import Grid, certain_stop
from detector.dsp.holds import Holds
from detector.events import Event
from detector.plain import pack, unpack
from detector.recognition.bouts.beat import rhythm_score
from detector.recognition.bouts.bout import EARLY, Bout
from detector.recognition.bouts.frame_table import FRAME_DTYPE, RHYTHM_FIELDS, FrameTable
from detector.recognition.bouts.tracker import Tracker
from detector.recognition.events.sequence import Sequence
from detector.recognition.rules.kinds import Case, examine, may_be_spasm
from detector.recognition.rules.opinions import DEFAULT_MODEL, load_model, worth_asking
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding, SecondOpinion, decide
from detector.sites import SITES

HISTORY = rhythm.WINDOW
"""Samples remembered per wearer: the rhythm window, which also holds the onset's."""

WARM_FRAMES = 6
"""1.4 s of a segment must have been seen before a rhythm counts: the held first sample in
front of it would make any beginning look like an abrupt one."""

BATCH = 256
"""Windows measured at once: their arrays stay in a core's own cache."""


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event, and by when it was known: s from sample 0 to the end of the last frame it needed.

    It does not depend on how the stream was cut, nor does `known_s` ever go back.
    """

    event: Event
    known_s: float


def analysed_s(stop: int, fs: float, *, begun: int) -> float | None:
    """Return `Watcher.reached_s` behind sample `stop - 1` of a stretch that began at `begun`.

    Without analysing: a hold within is not known here, behind which it is None for a frame.
    """
    reached_s = certain_stop(stop, fs) // FRAME * FRAME_S
    return reached_s if reached_s - FRAME_S >= begun / fs - 1e-9 else None


class Observer(Protocol):
    """Receives the frames and cases that the pipeline judges, by wearer; changes none of them."""

    def see_frames(
        self,
        wearer: int,
        frames: FrameTable,
        *,
        first: int,
        born: int,
        gate_g: Floats,
        floor_g: Floats,
    ) -> None:
        """Take consecutive frames before they are judged.

        Parameters
        ----------
        frames : (n,), not to be kept or changed
        first : absolute index of the first of them
        born : absolute index of the first frame of their segment
        gate_g : (n,), what a frame's rms must exceed for the gate to open
        floor_g : (n,), the wearer's own stillness
        """
        ...

    def see_case(self, wearer: int, case: Case, finding: Finding) -> None:
        """Take a bout at one of its moments, and its finding."""
        ...


class Bank:
    """Wearers as rows. Whole frames on the grid in, events out.

    Parameters
    ----------
    model : a folder of `models/`
    rules, opinion : instead of the model's own
    observer : receives frames and bouts as they are judged; costs nothing when there is none
    """

    def __init__(
        self,
        sites: Rows[str],
        *,
        model: str = DEFAULT_MODEL,
        rules: Rules | None = None,
        opinion: SecondOpinion | None = None,
        gated: bool = True,
        observer: Observer | None = None,
    ) -> None:
        wearers = len(sites)
        loaded = [load_model(model, site=site) for site in sites]
        self._rules = [own if rules is None else rules for own, _ in loaded]
        self._opinion = [own if opinion is None else opinion for _, own in loaded]
        self._gated = gated
        self._rule_sets = list(dict.fromkeys(self._rules))  # one for each site
        self._rule_set_of = np.array([self._rule_sets.index(own) for own in self._rules])
        self._observer = observer
        self._history = np.zeros((wearers, HISTORY, AXES))
        self._next = np.full(wearers, -1, dtype=np.int64)  # next frame; -1 before the first
        self._born = np.zeros(wearers, dtype=np.int64)  # first frame of the segment
        self._floor = Floor(wearers)
        self._gate_g = np.array([rules.gate.least_g for rules in self._rules])
        self._gate_over_floor = np.array([rules.gate.over_floor for rules in self._rules])
        self._trackers = [Tracker(rules) for rules in self._rules]
        self._sequences = [
            Sequence(rules, by) for rules, by in zip(self._rules, self._opinion, strict=True)
        ]

    def process(
        self, rows: Rows[int], starts: Rows[int], samples: Samples
    ) -> list[tuple[int, KnownEvent]]:
        """Take the next whole frames of some wearers, each row's following its last.

        Parameters
        ----------
        rows : distinct wearers
        starts : absolute grid index of each row's first sample, a multiple of 12
        samples : (rows, frames * 12, 3), g

        Returns
        -------
        (wearer, what was said) pairs, in order of row, then of time
        """
        if not samples.size:
            return []
        row = np.asarray(rows)
        first = np.asarray(starts) // FRAME
        for index in np.flatnonzero(self._next[row] < 0):
            wearer, born = int(row[index]), int(first[index])
            # Before the first sample nothing is known: it is held, so that no step is seen there.
            self._history[wearer] = samples[index, 0]
            self._born[wearer] = born
            self._trackers[wearer].begin(born)
            self._sequences[wearer].begin(born * FRAME)
        joined = np.concatenate((self._history[row], samples), axis=1)
        means, rms = measure_frames(samples)
        floor = self._floor.follow(row, rms)
        gate = self._gate_over_floor[row, np.newaxis] * floor
        level = np.maximum(self._gate_g[row, np.newaxis], gate)
        active = rms > level
        table = _frame_table(joined, means, rms, active, everywhere=not self._gated)
        moves = active.any(axis=1)
        if moves.any():
            self._score(table, row, first)
        if self._observer is not None:
            for shown in range(len(row)):
                self._observer.see_frames(
                    int(row[shown]),
                    table[shown],
                    first=int(first[shown]),
                    born=int(self._born[row[shown]]),
                    gate_g=level[shown],
                    floor_g=floor[shown],
                )
        told: list[tuple[int, KnownEvent]] = []
        for i in np.flatnonzero(moves | self._open(row)):
            wearer, start = int(row[i]), int(first[i])
            origin = start * FRAME - HISTORY
            bouts = self._trackers[wearer].follow(start, table[i], joined[i], origin)
            told += [(wearer, said) for said in self._admit(wearer, bouts)]
        self._history[row] = joined[:, -HISTORY:]
        self._next[row] = first + rms.shape[1]
        return told

    def reached_s(self, wearer: int) -> float | None:
        """Seconds up to which a wearer's open segment was analysed; None where none is open."""
        reached = int(self._next[wearer])
        return None if reached < 0 else reached * FRAME_S

    def finish(self, wearer: int) -> list[KnownEvent]:
        """Close one wearer's open events at a gap or at the end, and end the segment."""
        if self._next[wearer] < 0:
            return []
        tracker, origin = self._trackers[wearer], int(self._next[wearer]) * FRAME - HISTORY
        told = self._admit(wearer, tracker.finish(self._history[wearer], origin))
        known_s = int(self._next[wearer]) * FRAME_S
        told += [KnownEvent(event, known_s) for event in self._sequences[wearer].finish()]
        tracker.reset()
        self._next[wearer] = -1
        return told

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "history": pack(self._history),
            "next": pack(self._next),
            "born": pack(self._born),
            "floor": self._floor.save(),
            "trackers": [tracker.save() for tracker in self._trackers],
            "sequences": [sequence.save() for sequence in self._sequences],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._history = unpack(state["history"], np.float64)
        self._next = unpack(state["next"], np.int64)
        self._born = unpack(state["born"], np.int64)
        self._floor.load(state["floor"])
        for tracker, saved in zip(self._trackers, state["trackers"], strict=True):
            tracker.load(saved)
        for number, saved in enumerate(state["sequences"]):
            # A state that is older than contexts did not say since when the limb was seen.
            self._sequences[number].begin(int(self._next[number]) * FRAME)
            self._sequences[number].load(saved)

    def _score(self, table: FrameTable, row: NDArray[np.int64], first: NDArray[np.int64]) -> None:
        """Weigh the beat of frames that move, by each wearer's rules; none within `WARM_FRAMES`."""
        too_young = self._born[row] + WARM_FRAMES - first
        for index in np.flatnonzero(too_young > 0):
            table["regularity"][index, : too_young[index]] = 0.0
        for number, rules in enumerate(self._rule_sets):
            judged = table["active"] & (self._rule_set_of[row] == number)[:, np.newaxis]
            table["score"][judged] = rhythm_score(table[judged], rules)

    def _open(self, row: NDArray[np.int64]) -> Bools:
        return np.array([self._trackers[int(r)].is_open for r in row])

    def _admit(self, wearer: int, bouts: list[Bout]) -> list[KnownEvent]:
        sequence = self._sequences[wearer]
        told: list[KnownEvent] = []
        for bout in bouts:
            rules, opinion = self._rules[wearer], self._opinion[wearer]
            if opinion is None and bout.moment in EARLY and not may_be_spasm(bout, rules):
                continue  # no kind that is announced could follow
            unseen = self._observer is None
            if unseen and (sequence.says_little(bout) or not worth_asking(opinion, bout)):
                continue
            case = examine(bout, rules)
            finding = decide(case, opinion)
            if self._observer is not None:
                self._observer.see_case(wearer, case, finding)
            known_s = bout.known * FRAME_S
            told += [KnownEvent(event, known_s) for event in sequence.admit(bout, finding)]
        return told


class Watcher:
    """One wearer: blocks of any size and rate in, events out.

    Parameters
    ----------
    site : where the sensor is worn, one of `SITES`; its thresholds apply
    model, rules, opinion, observer : as in `Bank`
    """

    def __init__(
        self,
        *,
        site: str = "ankle",
        model: str = DEFAULT_MODEL,
        rules: Rules | None = None,
        opinion: SecondOpinion | None = None,
        gated: bool = True,
        observer: Observer | None = None,
    ) -> None:
        if site not in SITES:
            raise ValueError(f"site must be one of {', '.join(SITES)}, got {site!r}")
        self._bank = Bank(
            [site],
            model=model,
            rules=rules,
            opinion=opinion,
            gated=gated,
            observer=observer,
        )
        self._holds = Holds()
        self._grid = Grid()
        self._framer = Framer()
        self._expected: Edge | None = None

    def process(self, block: Block) -> list[Event]:
        """Take the next samples; a jump in their index is a gap, and nothing runs across it."""
        return [said.event for said in self.follow(block)]

    def finish(self) -> list[Event]:
        """Close what is open: the recording ends, or breaks off here."""
        return [said.event for said in self.close()]

    @property
    def reached_s(self) -> float | None:
        """Seconds up to which the open segment was analysed: all that was known by then is said.

        None behind a gap, until a first frame is whole.
        """
        return self._bank.reached_s(0)

    def follow(self, block: Block) -> list[KnownEvent]:
        """Take the next samples as `process` does; tell also when each event was known."""
        if not len(block):
            return []
        told: list[KnownEvent] = []
        if block.after_gap(self._expected):
            told += self.close()
        self._expected = block.edge
        first, *behind_holds = self._holds.split(block)
        told += self._advance(self._grid.process(first))
        for part in behind_holds:
            told += self._close()
            told += self._advance(self._grid.process(part))
        return told

    def close(self) -> list[KnownEvent]:
        """Close what is open as `finish` does; tell also when each event was known."""
        told = self._close()
        self._holds.reset()
        self._expected = None
        return told

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "bank": self._bank.save(),
            "holds": self._holds.save(),
            "grid": self._grid.save(),
            "framer": self._framer.save(),
            "expected": None if self._expected is None else list(self._expected),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._bank.load(state["bank"])
        self._holds.load(state["holds"])
        self._grid.load(state["grid"])
        self._framer.load(state["framer"])
        expected = state["expected"]
        self._expected = None if expected is None else (expected[0], expected[1])

    def _close(self) -> list[KnownEvent]:
        """End the segment: nothing is known of what comes between it and the next sample."""
        tail = self._grid.finish()
        told = [] if tail is None else self._advance(tail)
        told += self._bank.finish(0)
        self._framer.reset()
        return told

    def _advance(self, block: Block) -> list[KnownEvent]:
        frames = self._framer.process(block)
        told = self._bank.process([0], [frames.start], frames.samples[np.newaxis])
        return [said for _, said in told]


def _frame_table(
    joined: Samples, means: Floats, rms: Floats, active: Bools, *, everywhere: bool
) -> FrameTable:
    """Measure the frames where the gate is open; (rows, frames).

    With `everywhere` all frames are measured and the closed ones thrown away again, which must
    change nothing: the gate saves work and decides nothing else.
    """
    table = np.zeros(active.shape, FRAME_DTYPE)
    table["active"], table["rms_g"], table["mean_g"] = active, rms, means
    wanted = np.ones_like(active) if everywhere else active
    if not wanted.any():
        return table
    windows = _windows(joined)
    row, frame = np.nonzero(wanted)
    for begin in range(0, len(row), BATCH):
        r, f = row[begin : begin + BATCH], frame[begin : begin + BATCH]
        measured = rhythm.measure(windows[r, f].transpose(0, 2, 1))
        for name in RHYTHM_FIELDS:
            table[name][r, f] = getattr(measured, name)
    if everywhere:
        for name in RHYTHM_FIELDS:
            table[name][~active] = 0.0
    return table


def _windows(joined: Samples) -> Samples:
    """Rhythm windows that end with each new frame, where they lie: (rows, frames, 3, 128) g."""
    rows, count, _ = joined.shape
    of_row, of_sample, of_axis = joined.strides
    shape = (rows, (count - HISTORY) // FRAME, AXES, rhythm.WINDOW)
    strides = (of_row, FRAME * of_sample, of_axis, of_sample)
    return as_strided(joined[:, FRAME:], shape, strides, writeable=False)
