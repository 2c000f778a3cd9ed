"""Write Motion-BIDS: a data set of nights, each with its sensors, and what was found beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from detector import plain_json
from detector.events import Event, format_utc
from detector.files import replacement, write_whole
from detector.release import VERSION
from detector.store.formats.event_table import write_events
from detector.store.formats.exported import WholeRecording
from detector.store.formats.motion_bids import ENDING, NOTE

BIDS = "1.10.0"
TASK = "sleep"
ROWS = 50_000  # of text that is made at once
README = """Nights of a movement sensor worn on a leg, exported by spasmwatch {version}.

Each session is a night, named after its evening. Acceleration is in g (9.80665 m/s^2), at the rate
of the sensor; `n/a` where nothing was measured. What spasmwatch found is in derivatives/spasmwatch:
likely spasms and other movements, found automatically and sometimes wrong.
It is not a medical device.
"""


@dataclass(frozen=True, slots=True)
class BidsNight:
    """A night that is written: its recordings, and the events that were found in each."""

    evening: date
    recordings: Sequence[tuple[WholeRecording, Sequence[Event]]]


def write_motion_bids(
    root: Path, night: BidsNight, advance: Callable[[int], object] = int
) -> Iterator[Path]:
    """Write a night into a data set, new or begun; yield each data file when it is whole.

    Raises
    ------
    OSError
        It cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    _describe(root, "raw", "Nights with a movement sensor on the leg")
    found = root / "derivatives" / "spasmwatch"
    found.mkdir(parents=True, exist_ok=True)
    _describe(found, "derivative", "What spasmwatch found in them")
    write_whole(root / "README", README.format(version=VERSION))
    times: dict[str, str] = {}
    for recording, events, stem in _named(night):
        subject, session = stem.split("_")[:2]
        _add_participant(root, subject)
        folder = root / subject / session / "motion"
        folder.mkdir(parents=True, exist_ok=True)
        write_motion(folder / f"{stem}{ENDING}", recording, advance)
        beside = found / subject / session / "motion"
        beside.mkdir(parents=True, exist_ok=True)
        write_events(beside / f"{stem}_desc-detected_events.tsv", events)
        began = format_utc(recording.note.timebase.at_s(0.0))
        times[f"motion/{stem}{ENDING}"] = began or "n/a"
        _add_times(root / subject / session / f"{subject}_{session}_scans.tsv", times)
        yield folder / f"{stem}{ENDING}"


def write_motion(
    path: Path, recording: WholeRecording, advance: Callable[[int], object] = int
) -> None:
    """Write `X_motion.tsv` with its two companions; every number is read as the same again."""
    stem = path.name.removesuffix(ENDING)
    sensor, site = recording.note.sensor or "sensor", recording.note.site or "n/a"
    tracksys = next((part[9:] for part in stem.split("_") if part.startswith("tracksys-")), "imu")
    gaps, known = recording.gaps, recording.known
    _write_json(
        path.with_name(f"{stem}_motion.json"),
        {
            "TaskName": TASK,
            "TaskDescription": "A night in bed",
            "SamplingFrequency": recording.fs,
            "TrackingSystemName": tracksys,
            "RecordingType": "continuous",
            "RecordingDuration": len(recording) / recording.fs,
            "MissingValues": "n/a",
            "ACCELChannelCount": 3,
            "MotionChannelCount": 3,
            "TrackedPointsCount": 1,
            "SoftwareVersions": f"spasmwatch {VERSION}",
            "GapCount": len(gaps),
            NOTE: json.loads(recording.note.to_json()),
        },
    )
    rows = ["name\tcomponent\ttype\ttracked_point\tunits\tplacement\tsampling_frequency"]
    point = " ".join(sensor.split()) or "sensor"
    rows += [f"acc_{a}\t{a}\tACCEL\t{point}\tg\t{site}\t{recording.fs!r}" for a in "xyz"]
    write_whole(path.with_name(f"{stem}_channels.tsv"), "\n".join(rows) + "\n")
    with replacement(path) as draft, draft.open("w", encoding="ascii", newline="\n") as file:
        for first in range(0, len(recording), ROWS):
            part = recording.samples[first : first + ROWS].tolist()
            good = known[first : first + ROWS].tolist()
            file.writelines(
                f"{x!r}\t{y!r}\t{z!r}\n" if is_known else "n/a\tn/a\tn/a\n"
                for (x, y, z), is_known in zip(part, good, strict=True)
            )
            advance(len(part))


def _named(night: BidsNight) -> Iterator[tuple[WholeRecording, Sequence[Event], str]]:
    """Return each recording with the name of its files: no two are the same."""
    counts: dict[str, int] = {}
    for recording, events in night.recordings:
        note = recording.note
        stem = (
            f"sub-{_label(note.wearer)}_ses-{night.evening:%Y%m%d}_task-{TASK}"
            f"_tracksys-{_label(note.sensor)}"
        )
        counts[stem] = counts.get(stem, 0) + 1
        yield recording, events, f"{stem}_run-{counts[stem]}"


def _label(name: str | None) -> str:
    """Return a name as BIDS has labels: letters and digits alone."""
    return re.sub(r"[^A-Za-z0-9]", "", name or "") or "unknown"


def _describe(folder: Path, kind: str, title: str) -> None:
    body: dict[str, Any] = {"Name": title, "BIDSVersion": BIDS, "DatasetType": kind}
    body["GeneratedBy"] = [{"Name": "spasmwatch", "Version": VERSION}]
    path = folder / "dataset_description.json"
    if not path.exists():
        _write_json(path, body)


def _write_json(path: Path, body: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(plain_json.plain(body), indent=2, ensure_ascii=False) + "\n")


def _add_participant(root: Path, subject: str) -> None:
    path = root / "participants.tsv"
    lines = _lines(path) or ["participant_id"]
    if subject not in lines:
        write_whole(path, "\n".join([*lines, subject]) + "\n")


def _add_times(path: Path, times: Mapping[str, str]) -> None:
    known = dict(line.split("\t")[:2] for line in _lines(path)[1:] if "\t" in line)
    rows = [f"{name}\t{at}" for name, at in sorted((known | dict(times)).items())]
    write_whole(path, "\n".join(["filename\tacq_time", *rows]) + "\n")


def _lines(path: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
