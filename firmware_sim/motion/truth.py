"""Ground truth: what a detector is scored against, and its file format.

All times are on the sample clock (sample index / nominal `fs`), the only clock a recording
holds. A sensor whose crystal is 3 % fast therefore shows a 6.0 Hz clonus at 5.83 Hz, in the
samples and in the truth alike.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from detector.block import Samples
from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Kind

MISSING = "n/a"
"""How BIDS writes an unknown value."""

COLUMNS = (
    "onset", "duration", "trial_type", "rhythm_hz", "beats", "peak_g", "parts", "engine", "seed",
    "manner", "background_ratio",
)  # fmt: skip
REQUIRED = COLUMNS[:3]
MOST_EVENTS = 100_000
"""One event every 0.4 s for ten hours: a longer file is not a night's truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One movement as it was generated, with the kinds of `detector.events`.

    Parameters
    ----------
    onset_s, duration_s : on the sample clock; `firmware_sim.motion.act` says what begins and ends
    rhythm_hz : one over the median interval between beats; None without a rhythm
    beats : as generated, not as detected; clonus only
    peak_g : largest dynamic acceleration (what gravity does not explain), noise left out
    parts : what a mixed event is made of
    engine : which clonus engine moved the limb
    manner : detail beyond the kind: abrupt, bed partner, scratching
    background_ratio : rms of a real recording over rms of the movement put into it
    """

    onset_s: float
    duration_s: float
    kind: Kind
    peak_g: float
    rhythm_hz: float | None = None
    beats: int | None = None
    parts: tuple[Kind, ...] | None = None
    engine: str | None = None
    manner: str | None = None
    background_ratio: float | None = None

    @property
    def end_s(self) -> float:
        """Return the seconds from the first sample to the end of the movement."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trace:
    """A simulated recording without a wall clock.

    Parameters
    ----------
    samples : (n, 3), g, NaN where a sensor lost them; made read-only
    fs : nominal rate, Hz
    true_fs : true rate of its crystal, Hz
    truth : in order of onset, never overlapping
    site : where the sensor is worn
    loose_strap : it hangs loose: every movement rings on at one rate
    """

    samples: Samples
    fs: float
    true_fs: float
    truth: tuple[Truth, ...]
    seed: int
    scenario: str
    site: str = "ankle"
    loose_strap: bool = False

    def __post_init__(self) -> None:
        self.samples.flags.writeable = False

    @property
    def duration_s(self) -> float:
        """Return the length on the sample clock, s."""
        return len(self.samples) / self.fs

    def same_as(self, other: Self) -> bool:
        """Return whether every byte and every truth agree."""
        same = np.array_equal(self.samples, other.samples, equal_nan=True)
        return same and self.truth == other.truth


def write_events(path: Path, truth: tuple[Truth, ...], *, seed: int | None = None) -> None:
    """Write a BIDS `events.tsv`; `read_events` gives the same values back, to the last bit."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerow(COLUMNS)
        for t in truth:
            parts = "+".join(t.parts) if t.parts else None
            row = (
                t.onset_s, t.duration_s, t.kind.value, t.rhythm_hz, t.beats, t.peak_g, parts,
                t.engine, seed, t.manner, t.background_ratio,
            )  # fmt: skip
            out.writerow(MISSING if value is None else value for value in row)


def read_events(path: Path) -> tuple[Truth, ...]:
    """Return the truths in a BIDS `events.tsv` whose types are our kinds, as from `write_events`.

    Raises
    ------
    RecordingError
        The file is missing or not such a table; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
            if missing:
                raise RecordingError(
                    f"{path}: no column {missing[0]!r}; the first line must name onset, duration "
                    "and trial_type, separated by tabs"
                )
            return tuple(_read_row(path, number, row) for number, row in enumerate(rows, start=2))
    except FileNotFoundError:
        raise RecordingNotFoundError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path}: not a readable events table ({error})") from error


def _read_row(path: Path, number: int, row: dict[str, str]) -> Truth:
    if number > MOST_EVENTS:
        raise RecordingError(f"{path}: more than {MOST_EVENTS} events; split the file by night")
    if None in row:  # where csv puts what is beyond the last column
        raise RecordingError(f"{path}, line {number}: more values than columns")
    known = {name: text for name, text in row.items() if text and text != MISSING}
    try:
        onset_s, duration_s = float(known["onset"]), float(known["duration"])
        peak_g = float(known["peak_g"]) if "peak_g" in known else 0.0
        rhythm_hz = float(known["rhythm_hz"]) if "rhythm_hz" in known else None
        ratio = float(known["background_ratio"]) if "background_ratio" in known else None
        if not np.isfinite([onset_s, duration_s, peak_g, rhythm_hz or 0.0, ratio or 0.0]).all():
            raise ValueError("a value is not finite")
        return Truth(
            onset_s=onset_s,
            duration_s=duration_s,
            kind=Kind(known["trial_type"]),
            peak_g=peak_g,
            rhythm_hz=rhythm_hz,
            beats=int(known["beats"]) if "beats" in known else None,
            parts=tuple(Kind(p) for p in known["parts"].split("+")) if "parts" in known else None,
            engine=known.get("engine"),
            manner=known.get("manner"),
            background_ratio=ratio,
        )
    except KeyError as error:
        raise RecordingError(f"{path}, line {number}: {error.args[0]} has no value") from None
    except ValueError as error:
        kinds = ", ".join(Kind)
        raise RecordingError(
            f"{path}, line {number}: {error}; times are in seconds, types one of {kinds}"
        ) from None
