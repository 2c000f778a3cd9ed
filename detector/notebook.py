"""Nights in Python, for notebooks: `from detector import load_night`.

pandas is no dependency of spasmwatch, and matplotlib is slow to load: both are imported when they
are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import Samples, Timebase
from detector.config import read_configuration
from detector.errors import RecordingNotFoundError
from detector.events import Event, Kind, Origin
from detector.service.persistence.kept_nights import KeptNight, KeptNights
from detector.service.persistence.places import DataFolder
from detector.store.formats.exported import whole_recording
from detector.store.formats.reader import open_recording
from detector.words.phrases import TITLES

COLUMNS = (
    *("onset", "duration_s", "kind", "confidence", "rhythm_hz", "beats", "peak_g", "rms_g"),
    *("turn_deg", "grade", "context", "episode", "cut_short", "sensor", "label", "reason"),
)
"""Of `NightData.to_pandas`; the index is the event's id."""
LOOKS = {
    Kind.CLONUS: ("#D55E00", "D"),
    Kind.SPASM: ("#E69F00", "^"),
    Kind.TONIC: ("#CC79A7", "s"),
    Kind.TWITCH: ("#56B4E9", "v"),
}
"""Colour (Okabe-Ito) and mark of each kind in `NightData.plot`."""
OTHERS_LOOK = ("#999999", "o")
SHOWN_S = 1.0  # seconds of a point of the curve of movement


class MissingLibraryError(ImportError):
    """A library that is no dependency of spasmwatch is asked for and not installed."""


@dataclass(frozen=True, eq=False)
class NightSamples:
    """A recording of a sensor in memory.

    samples : (n, 3), g, a row for every 1/fs s from the first on; NaN where none was measured
    warnings : about what could not be read
    """

    name: str
    sensor: str | None
    site: str | None
    samples: Samples
    timebase: Timebase
    warnings: tuple[str, ...]

    @property
    def fs(self) -> float:
        """Sampling rate, Hz, by the sensor's own clock."""
        return self.timebase.fs

    @cached_property
    def times_ns(self) -> NDArray[np.int64] | None:
        """UTC of each row, (n,), ns since 1970, by the drift of the sensor; None without a date."""
        base = self.timebase
        if base.epoch_ns is None:
            return None
        seconds = np.arange(len(self.samples)) / base.fs
        place = np.searchsorted([knot.from_s for knot in base.knots], seconds, side="right")
        starts = np.array([base.epoch_ns, *(knot.epoch_ns for knot in base.knots)], dtype=np.int64)
        paces = np.array([1.0, *(knot.pace for knot in base.knots)])
        later: NDArray[np.int64] = np.rint(seconds * paces[place] * 1e9).astype(np.int64)
        return later + starts[place]

    def to_pandas(self) -> Any:
        """Return a `DataFrame` with x, y and z in g, by UTC; by seconds where nothing is dated.

        Raises
        ------
        MissingLibraryError
            pandas is not installed.
        """
        pandas = _library("pandas")
        if self.times_ns is None:
            index = pandas.Index(np.arange(len(self.samples)) / self.fs, name="seconds")
        else:
            index = pandas.to_datetime(self.times_ns, utc=True)
        return pandas.DataFrame(self.samples, columns=["x", "y", "z"], index=index)


@dataclass(frozen=True, eq=False)
class NightData:
    """A night, as it is kept.

    events : that are over, in their final form, by onset
    labels : what people said that they were, in words, by id; what was taken back is none
    recordings : their files, by name
    """

    evening: date
    events: tuple[Event, ...]
    labels: Mapping[str, str]
    recordings: Mapping[str, Path]
    zone: tzinfo | None

    def samples(self, name: str | None = None) -> NightSamples:
        """Read a recording into memory: 45 MB for ten hours.

        Parameters
        ----------
        name : one of `recordings`; may be left out where there is only one

        Raises
        ------
        RecordingNotFoundError
            The night has no such recording, or several and none was named.
        RecordingError
            It is damaged.
        """
        known = ", ".join(self.recordings) or "none: it was deleted, or not recorded"
        if name is None and len(self.recordings) == 1:
            (name,) = self.recordings
        if name is None or name not in self.recordings:
            raise RecordingNotFoundError(f"Name a recording of {self.evening}. There is {known}.")
        with open_recording(self.recordings[name]) as reader:
            whole = whole_recording(reader)
        note = whole.note
        return NightSamples(
            name, note.sensor, note.site, whole.samples, note.timebase, whole.warnings
        )

    def to_pandas(self) -> Any:
        """Return a `DataFrame` of the events with `COLUMNS`; onsets in the wearer's zone.

        Raises
        ------
        MissingLibraryError
            pandas is not installed.
        """
        pandas = _library("pandas")
        index = pandas.Index([event.id for event in self.events], name="id")
        return pandas.DataFrame(self.rows(), columns=list(COLUMNS), index=index)

    def rows(self) -> list[dict[str, Any]]:
        """Return the events as plain rows: a dictionary with `COLUMNS` for each."""
        return [self._row(event) for event in self.events]

    def plot(self) -> Any:
        """Return a matplotlib `Figure`: movement of each recording, and events by kind.

        Raises
        ------
        MissingLibraryError
            matplotlib is not installed.
        """
        from detector.words.phrases import NOTICE  # noqa: PLC0415 - beside what only this needs

        figures, dates = _library("matplotlib.figure"), _library("matplotlib.dates")
        count = max(1, len(self.recordings))
        figure = figures.Figure(figsize=(11, 2.2 + 1.6 * count), layout="constrained")
        axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for panel, name in zip(axes, self.recordings, strict=False):
            _draw_movement(panel, self.samples(name))
        for panel in axes:
            self._draw_events(panel)
            panel.set_ylabel("movement, g")
            panel.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=self.zone))
        if self.events:
            axes[0].legend(loc="upper right", ncols=4, fontsize="small")
        axes[0].set_title(f"Night of {self.evening}")
        figure.supxlabel(NOTICE, fontsize="small")
        return figure

    def _draw_events(self, panel: Any) -> None:
        seen: set[str] = set()
        for event in self.events:
            if event.onset is None:
                continue
            colour, mark = LOOKS.get(event.kind, OTHERS_LOOK)
            title = TITLES[event.kind] if event.kind in LOOKS else "Other"
            label = title if title not in seen else None
            seen.add(title)
            height = event.peak_g or 0.0
            panel.plot(event.onset, height, mark, color=colour, label=label, linestyle="none")

    def _row(self, event: Event) -> dict[str, Any]:
        onset = None if event.onset is None else event.onset.astimezone(self.zone)
        taken = {name: getattr(event, name) for name in COLUMNS if hasattr(event, name)}
        return taken | {
            "onset": onset,
            "kind": event.kind.value,
            "context": None if event.context is None else event.context.value,
            "label": self.labels.get(event.id),
        }


def load_night(
    evening: str | date,
    *,
    data_dir: str | Path | None = None,
    config: str | Path | None = None,
    simulated: bool = False,
) -> NightData:
    """Return a night from the data folder; a service that runs is not disturbed.

    Parameters
    ----------
    evening : the date on which it began, such as `"2026-11-20"`; or `"last"`
    data_dir : the data folder; that of the settings where it is left out
    config : the file with the settings; where it is by default
    simulated : take the nights of simulated sensors, which are kept apart

    Raises
    ------
    ValueError
        `evening` is no date.
    RecordingNotFoundError
        Nothing is kept of that night.
    ConfigError, StateError
        The settings are wrong; the events cannot be read.
    """
    flags = {} if data_dir is None else {"data_dir": Path(data_dir)}
    read = read_configuration(None if config is None else Path(config), flags=flags)
    zone = read.settings.wearer.zone
    origin = Origin.SIMULATED if simulated else Origin.LIVE
    kept = KeptNights(DataFolder.of(read.settings.data_dir, origin), zone)
    night = kept.night(_evening(evening, kept))
    return _data(night, zone)


def _evening(evening: str | date, kept: KeptNights) -> date:
    if isinstance(evening, date):
        return evening
    if evening != "last":
        return date.fromisoformat(evening)
    known = kept.evenings()
    if not known:
        raise RecordingNotFoundError(f"No night is kept in {kept.folder} yet.")
    return known[-1]


def _data(night: KeptNight, zone: tzinfo | None) -> NightData:
    return NightData(
        evening=night.evening,
        events=night.events,
        labels={name: said.words for name, said in night.labels.items()},
        recordings={path.stem: path for path in night.recordings},
        zone=zone,
    )


def _draw_movement(panel: Any, read: NightSamples) -> None:
    """Draw how far acceleration is from its mean, second by second; nothing where none is known."""
    each = max(1, round(read.fs * SHOWN_S))
    count = len(read.samples) // each
    lengths = np.linalg.norm(read.samples[: count * each], axis=1).reshape(count, each)
    moved = lengths.std(axis=1) if count else np.zeros(0)
    times = read.times_ns
    if times is None:
        panel.plot(np.arange(count) * SHOWN_S, moved, color="#0072B2", linewidth=0.6)
    else:
        when = times[: count * each : each].astype("datetime64[ns]")
        panel.plot(when, moved, color="#0072B2", linewidth=0.6)
    panel.text(0.01, 0.92, read.sensor or read.name, transform=panel.transAxes, va="top")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise MissingLibraryError(
            f"{package} is not installed, and this needs it: pip install {package}"
        ) from None
