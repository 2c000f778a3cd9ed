"""One stream of a sensor: which samples it sends together, and their time stamps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import inf

import numpy as np

from firmware_sim.faults import (
    ClockReset,
    Fault,
    Garbage,
    Overflow,
    SaturatedAxis,
    Spell,
    StuckAxis,
    Uptime,
)
from firmware_sim.playback import Trace, first_sample, quantise, sample_ns
from firmware_sim.wearables.firmware import Counts, Firmware, Measuring, Say

MOST_RANDOM_OCTETS = 40


class Measurement:
    """What a sensor measures of a trace, faults included; a function of its arguments alone.

    Attributes
    ----------
    counts : (n, 3), in the sensor's unit
    clipped : values that its range cut off
    fs : Hz
    """

    def __init__(self, trace: Trace, how: Measuring, faults: Sequence[Fault] = ()) -> None:
        self.fs = how.fs
        self.counts, self.clipped = quantise(trace.at_rate(how.fs), how.lsb_g, how.range_g)
        top, _ = quantise(np.full((1, 3), how.range_g), how.lsb_g, how.range_g)
        for fault in faults:
            if isinstance(fault, StuckAxis | SaturatedAxis):
                self.counts = _with_axis(self.counts, how.fs, fault, int(top[0, 0]))
        self._lost = sorted(_samples(f, how.fs) for f in faults if isinstance(f, Overflow))
        resets = (f.at_s for f in faults if isinstance(f, ClockReset))
        self._resets = sorted(first_sample(at_s, how.fs) for at_s in resets)
        self._uptime_ns = sum(round(f.uptime_s * 1e9) for f in faults if isinstance(f, Uptime))
        self._breaks = sorted({*self._resets, *(at for lost in self._lost for at in lost)})

    def __len__(self) -> int:
        return len(self.counts)

    def next_run(self, position: int, most: int) -> tuple[int, int]:
        """Return start and stop of the samples that are sent together next; empty at the end."""
        for first, stop in self._lost:
            if first <= position < stop:
                position = stop
        following = bisect_right(self._breaks, position)
        limit = self._breaks[following] if following < len(self._breaks) else len(self)
        return min(position, len(self)), min(position + most, limit, len(self))

    def stamp_ns(self, index: int) -> int:
        """Return the sensor's own time of a sample, ns since it was switched on."""
        resets = bisect_right(self._resets, index)
        if resets:
            return sample_ns(index - self._resets[resets - 1], self.fs)
        return self._uptime_ns + sample_ns(index, self.fs)


def frames(
    firmware: Firmware, measurement: Measurement, first: int, stop: int, room: float
) -> list[tuple[int, Say]]:
    """Return (samples, frame) for a run of samples, in halves where one has no room."""
    if first == stop:
        return []
    counts = measurement.counts[first:stop]
    frame = firmware.frame(measurement.stamp_ns(stop - 1), counts)
    if len(frame.data) <= room or len(counts) == 1:
        return [(len(counts), frame)]
    middle = (first + stop) // 2
    return frames(firmware, measurement, first, middle, room) + frames(
        firmware, measurement, middle, stop, room
    )


def garbled(
    data: bytes, at_s: float, faults: Sequence[Fault], chance: np.random.Generator
) -> list[bytes]:
    """Return what a sensor sends instead of a frame that is full at `at_s`."""
    for fault in faults:
        if not (isinstance(fault, Garbage) and fault.at_s < at_s <= fault.end_s):
            continue
        if chance.random() >= fault.share:
            continue
        match fault.what:
            case "random":
                return [data, chance.bytes(1 + int(chance.integers(MOST_RANDOM_OCTETS)))]
            case "truncated":
                return [data[: 1 + int(chance.integers(max(1, len(data) - 1)))]]
            case "flipped":
                bit = int(chance.integers(8 * len(data)))
                flipped = bytearray(data)
                flipped[bit // 8] ^= 1 << bit % 8
                return [bytes(flipped)]
    return [data]


def _samples(spell: Spell, fs: int) -> tuple[int, int]:
    """Return the first sample of a spell and the one after its last."""
    return first_sample(spell.at_s, fs), first_sample(spell.end_s, fs)


def _with_axis(counts: Counts, fs: int, fault: StuckAxis | SaturatedAxis, top: int) -> Counts:
    axis = "xyz".index(fault.axis)
    first = first_sample(fault.at_s, fs)
    stop = len(counts) if fault.end_s == inf else first_sample(fault.end_s, fs)
    if first < len(counts):
        counts[first:stop, axis] = counts[first, axis] if isinstance(fault, StuckAxis) else top
    return counts
