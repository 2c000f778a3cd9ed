"""Two published rules on the same samples, to compare every figure of ours with.

OpenSeizureDetector's from its published source (facts: research notes, SdDataSource.java), with
its default settings; it was made for tonic-clonic seizures at the wrist, not for a leg. And a
plain band-power rule, what a textbook would try first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window, resample_poly

from detector.block import AXES, Block, Edge, Samples
from detector.evaluation.matching import FoundEvent
from detector.events import Kind
from detector.store.formats.checks import runs

Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

OSD_HZ = 25.0  # its code takes nothing else
OSD_BLOCK = 125  # samples: 5 s, so that a bin is 0.2 Hz; blocks do not overlap
OSD_BLOCK_S = OSD_BLOCK / OSD_HZ
OSD_ROI = slice(15, 40)  # bins of 3 to 8 Hz; the one at 8.0 is not in it
OSD_SPEC = slice(1, 61)  # bins of 0.2 to 12 Hz
OSD_POWER_OVER = 100  # AlarmThresh
OSD_RATIO_OVER = 57  # AlarmRatioThresh: of the power up to 12 Hz, per cent in 3 to 8 Hz
OSD_WARN_S, OSD_ALARM_S = 5.0, 10.0
OSD_RELAPSE_S = OSD_WARN_S + 1  # what its counter is set to when an alarm falls back
OK, WARNING, ALARM = 0, 1, 2

BAND_WINDOW_S = 2.0  # holds six beats of the slowest clonus, 3 Hz; bins of 0.5 Hz
BAND_HOP_S = 1.0  # half a window, as in Welch's method (1967)
BAND_HZ = (3.0, 8.0)  # clonus: Boyraz 2015, Wallace 2005
BAND_WHOLE_HZ = (0.5, 20.0)  # above gravity's drift, below what a strap rings with
BAND_SHARE = 0.5  # more than half of the movement is in the band
BAND_RMS_G = 0.02  # in the band: three times a sensor's noise, under OSD's smallest tone, 0.025 g

PIECE_S = 3600.0
"""Samples held before they are judged; bounds memory (5 MB at 50 Hz) and nothing else but that
resampling begins anew, at a block's edge."""


def resampled(samples: Samples, fs: float) -> Samples:
    """Bring samples, (n, 3), to 25 Hz by a polyphase filter, edges held; those at 25 Hz stay."""
    ratio = _ratio(fs)
    if ratio == 1:
        return samples
    slow: Samples = resample_poly(samples, ratio.numerator, ratio.denominator, padtype="edge")
    return slow


def _ratio(fs: float) -> Fraction:
    # A denominator up to 1000 keeps the filter short and the rate right to 0.1 %.
    return Fraction(OSD_HZ / fs).limit_denominator(1000)


def osd_positive(magnitude_mg: Floats) -> Bools:
    """Judge every whole block of 125 samples of |a|, mg, at 25 Hz.

    No window, no detrending, the DC bin left out. Its code keeps powers as whole numbers (divided
    by 1000, cut off), and so do we: a ratio of 57.9 is no alarm.
    """
    blocks = magnitude_mg[: len(magnitude_mg) // OSD_BLOCK * OSD_BLOCK].reshape(-1, OSD_BLOCK)
    spectrum = np.fft.rfft(blocks)
    power = spectrum.real**2 + spectrum.imag**2
    whole = _whole(power[:, OSD_SPEC].sum(axis=1) / (2 * OSD_BLOCK))
    region = _whole(power[:, OSD_ROI].sum(axis=1) / (OSD_ROI.stop - OSD_ROI.start))
    ratio = 10 * region // np.maximum(whole, 1)
    positive: Bools = (region > OSD_POWER_OVER) & (ratio > OSD_RATIO_OVER)
    return positive


def _whole(power: Floats) -> NDArray[np.int64]:
    return power.astype(np.int64) // 1000


def osd_states(positive: Bools) -> NDArray[np.int8]:
    """Run its alarm counter over blocks: 0 fine, 1 WARNING, 2 ALARM.

    A positive block adds 5 s; above 5 s it warns, above 10 s it alarms. A negative block ends a
    warning, but turns an alarm into a warning from which one positive block alarms again.
    """
    states = np.zeros(len(positive), dtype=np.int8)
    for first, stop in runs(positive):
        relapse = first > 0 and states[first - 1] == WARNING
        counter_s = np.arange(1, stop - first + 1) * OSD_BLOCK_S
        counter_s += OSD_RELAPSE_S if relapse else 0.0
        states[first:stop] = np.where(
            counter_s > OSD_ALARM_S, ALARM, np.where(counter_s > OSD_WARN_S, WARNING, OK)
        )
        if stop < len(states) and states[stop - 1] == ALARM:
            states[stop] = WARNING
    return states


def band_positive(samples: Samples, fs: float) -> Bools:
    """Judge windows of 2 s, one a second: (n, 3), g.

    The power of all three axes together, mean removed, under a Hann window: more than half of
    0.5-20 Hz lies in 3-8 Hz, and amounts to 20 mg.
    """
    window, hop = _band_samples(fs)
    if len(samples) < window:
        return np.zeros(0, dtype=bool)
    pieces = np.lib.stride_tricks.sliding_window_view(samples, window, axis=0)[::hop]
    taper = get_window("hann", window)
    spectrum = np.fft.rfft((pieces - pieces.mean(axis=-1, keepdims=True)) * taper)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
    hz = np.fft.rfftfreq(window, 1 / fs)
    band = power[:, (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])].sum(axis=1)
    whole = power[:, (hz >= BAND_WHOLE_HZ[0]) & (hz <= BAND_WHOLE_HZ[1])].sum(axis=1)
    # Parseval, one side of the spectrum, the taper's own power taken out.
    mean_square = 2 * band / (window * (taper**2).sum())
    positive: Bools = (band > BAND_SHARE * whole) & (mean_square > BAND_RMS_G**2)
    return positive


def _band_samples(fs: float) -> tuple[int, int]:
    return round(BAND_WINDOW_S * fs), round(BAND_HOP_S * fs)


@dataclass(frozen=True, slots=True)
class PeerAlarm:
    """A stretch in windows, `first` to `last`, and the window at whose end it was reported."""

    first: int
    last: int
    at: int


def every_run(positive: Bools) -> list[PeerAlarm]:
    """Return an alarm for every run of positive windows, reported at its first."""
    return [PeerAlarm(first, stop - 1, first) for first, stop in runs(positive)]


def alarms(positive: Bools) -> list[PeerAlarm]:
    """Return every ALARM of OpenSeizureDetector, with all positive blocks that it rests on."""
    states = osd_states(positive)
    told = []
    for first, stop in runs(positive | (states > OK)):
        alarmed = np.flatnonzero(states[first:stop] == ALARM)
        if len(alarmed):
            last = np.flatnonzero(positive[first:stop])[-1]
            told.append(PeerAlarm(first, first + int(last), first + int(alarmed[0])))
    return told


@dataclass(frozen=True, slots=True)
class _Rule:
    """A peer's rule at one rate: windows in s, and samples → a flag for each whole window.

    `step` samples (or a multiple) are as many whole windows, so that a piece can end there.
    """

    window_s: float
    hop_s: float
    step: int
    overlap: int
    positive: Callable[[Samples], Bools]
    tell: Mapping[str, Callable[[Bools], Sequence[PeerAlarm]]]


def _rules(fs: float) -> tuple[_Rule, _Rule]:
    def osd(samples: Samples) -> Bools:
        slow = resampled(samples, fs)
        return osd_positive(1000 * np.sqrt((slow * slow).sum(axis=1)))

    window, hop = _band_samples(fs)
    return (
        _Rule(
            window_s=OSD_BLOCK_S,
            hop_s=OSD_BLOCK_S,
            step=OSD_BLOCK * _ratio(fs).denominator,
            overlap=0,
            positive=osd,
            tell={"OSD alarm": alarms, "OSD first block": every_run},
        ),
        _Rule(
            window_s=window / fs,
            hop_s=hop / fs,
            step=hop,
            overlap=window - hop,
            positive=lambda samples: band_positive(samples, fs),
            tell={"band power": every_run},
        ),
    )


PEERS = ("OSD alarm", "OSD first block", "band power")
"""Names of the peers; OpenSeizureDetector's ALARM, and its first positive block."""


class Peers:
    """All peers on one recording: blocks in, and at the end what each has found.

    What they find is called clonus, the rhythmic kind that they look for.
    """

    def __init__(self) -> None:
        self._found: dict[str, list[FoundEvent]] = {name: [] for name in PEERS}
        self._expected: Edge | None = None
        self._runs: list[_Run] = []

    def process(self, block: Block) -> None:
        """Take the next samples; a jump in their index is a gap, and nothing runs across it."""
        if not len(block):
            return
        if self._expected is None or block.after_gap(self._expected):
            self._close()
            start_s = block.start / block.fs
            self._runs = [_Run(rule, start_s, block.fs) for rule in _rules(block.fs)]
        self._expected = block.edge
        for run in self._runs:
            run.take(block.samples)

    def finish(self) -> dict[str, list[FoundEvent]]:
        """Return what each has found, by its name."""
        self._close()
        self._runs, self._expected = [], None
        return self._found

    def _close(self) -> None:
        for run in self._runs:
            for name, found in run.finish().items():
                self._found[name] += found


class _Run:
    """One rule on one stretch without a gap: holds a bounded piece, keeps only flags."""

    def __init__(self, rule: _Rule, start_s: float, fs: float) -> None:
        self._rule, self._start_s = rule, start_s
        self._piece = rule.step * max(1, int(PIECE_S * fs) // rule.step)
        self._held: list[Samples] = []
        self._count = 0
        self._flags: list[Bools] = []

    def take(self, samples: Samples) -> None:
        self._held.append(samples)
        self._count += len(samples)
        if self._count < self._piece + self._rule.overlap:
            return
        whole = np.concatenate(self._held)
        while len(whole) >= self._piece + self._rule.overlap:
            self._flags.append(self._rule.positive(whole[: self._piece + self._rule.overlap]))
            whole = whole[self._piece :]
        self._held, self._count = [whole.copy()], len(whole)

    def finish(self) -> dict[str, list[FoundEvent]]:
        rest = np.concatenate(self._held) if self._held else np.zeros((0, AXES))
        flags = np.concatenate([*self._flags, self._rule.positive(rest)])
        return {
            name: [self._found(told) for told in tell(flags)]
            for name, tell in self._rule.tell.items()
        }

    def _found(self, told: PeerAlarm) -> FoundEvent:
        rule = self._rule
        return FoundEvent(
            onset_s=self._start_s + told.first * rule.hop_s,
            end_s=self._start_s + told.last * rule.hop_s + rule.window_s,
            kind=Kind.CLONUS,
            said_s=self._start_s + told.at * rule.hop_s + rule.window_s,
        )
