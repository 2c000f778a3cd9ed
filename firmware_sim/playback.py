"""A recorded motion, and the clock of the virtual sensor that plays it."""

from __future__ import annotations

import asyncio
import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.block import AXES, Samples
from detector.errors import RecordingError, RecordingNotFoundError
from firmware_sim.wearables.firmware import Counts

CATCH_UP_S = 0.1
"""Wall seconds of delay that a sensor catches up in a burst: scheduling, not a slow link."""

NOTHING_S = 1e-8
"""Waits shorter than this are skipped: event loops call timers some nanoseconds early."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A recorded motion to be played.

    Parameters
    ----------
    samples : (n, 3), g, finite, n >= 1
    fs : Hz, a whole number: PMD cannot name any other rate
    """

    samples: Samples
    fs: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.shape[1] != AXES or not len(self.samples):
            raise ValueError(f"a trace must have shape (n, {AXES}), got {self.samples.shape}")
        if not np.isfinite(self.samples).all():
            raise ValueError("a trace must be finite: cut out or fill what is missing")
        if not 1 <= self.fs <= 0xFFFF:
            raise ValueError(f"fs must be 1 to 65535 Hz, got {self.fs}")

    @property
    def duration_s(self) -> float:
        """Return the length of the motion."""
        return len(self.samples) / self.fs

    def at_rate(self, fs: int) -> Samples:
        """Return the motion resampled; at its own rate, the recorded samples unchanged."""
        if fs == self.fs:
            return self.samples
        recorded_at = np.arange(len(self.samples)) / self.fs
        wanted_at = np.arange(int(self.duration_s * fs)) / fs
        return np.column_stack([np.interp(wanted_at, recorded_at, axis) for axis in self.samples.T])


def load_trace(path: Path) -> Trace:
    """Return the motion in an `.npz` with `acc` (n, 3) in g and `fs` in Hz.

    Raises
    ------
    RecordingError
        It is not such a file; the message says why.
    """
    try:
        # Opened here: numpy would leave the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            samples, fs = np.asarray(archive["acc"], dtype=np.float64), float(archive["fs"])
        if not fs.is_integer():
            raise ValueError(f"fs must be a whole number of Hz, got {fs}: resample the trace")
        return Trace(samples, int(fs))
    except FileNotFoundError as error:
        raise RecordingNotFoundError(f"{path}: no such file") from error
    except KeyError as error:
        raise RecordingError(f"{path}: a trace needs acc (n, 3) and fs: {error.args[0]}") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RecordingError(f"{path}: not a trace that a sensor can play: {error}") from error


def quantise(samples: Samples, lsb_g: float, range_g: float) -> tuple[Counts, int]:
    """Return samples rounded to the sensor's unit, and how many values its range cut off."""
    low = max(round(-range_g / lsb_g), -0x8000)
    high = min(round(range_g / lsb_g), 0x7FFF)
    counts = np.rint(samples / lsb_g)
    clipped = int(np.count_nonzero((counts < low) | (counts > high)))
    return np.clip(counts, low, high).astype(np.int16), clipped


class SensorClock:
    """A sensor's own time since its stream first started, `speed` times as fast as wall time.

    `drift_ppm` is how much faster its crystal runs than nominal: its time stamps stay nominal,
    its seconds get shorter.
    """

    def __init__(self, speed: float, drift_ppm: float = 0.0) -> None:
        self._speed = speed
        self._rate = speed * (1 + drift_ppm * 1e-6)
        self._origin: float | None = None  # on the loop's clock

    def start(self) -> None:
        """Start at zero, unless it runs already."""
        if self._origin is None:
            self._origin = asyncio.get_running_loop().time()

    def run(self, factor: float) -> None:
        """Continue from the current time, faster than nominal by this factor."""
        rate = self._speed * factor
        if self._origin is not None:
            self._origin = asyncio.get_running_loop().time() - self.now_s / rate
        self._rate = rate

    @property
    def now_s(self) -> float:
        """Return the seconds since the start; 0 before it."""
        if self._origin is None:
            return 0.0
        return (asyncio.get_running_loop().time() - self._origin) * self._rate

    def next_sample(self, fs: int) -> int:
        """Return the index of the first sample taken from now on."""
        return first_sample(self.now_s, fs)

    async def reach(self, moment_s: float) -> None:
        """Wait for a moment; the clock must have been started."""
        while (left_s := (moment_s - self.now_s) / self._rate) > NOTHING_S:
            await asyncio.sleep(left_s)

    def hold_at(self, moment_s: float) -> None:
        """Stop simulated time while a link is behind, instead of buffering frames."""
        late_s = self.now_s - moment_s - CATCH_UP_S * self._rate
        if self._origin is not None and late_s > 0:
            self._origin += late_s / self._rate


def first_sample(at_s: float, fs: int) -> int:
    """Return the index of the first sample taken from a moment on."""
    return math.ceil((at_s - NOTHING_S) * fs)


def sample_ns(index: int, fs: int) -> int:
    """Return the sensor's time of a sample, ns since it was switched on."""
    return index * 1_000_000_000 // fs
