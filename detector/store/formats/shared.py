"""A night to be given away: samples, labels and what was found, without names, dates and places."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory

from detector import plain_json
from detector.block import EPOCH, Timebase
from detector.events import Event
from detector.files import replacement
from detector.release import VERSION
from detector.store.formats.event_table import write_events
from detector.store.formats.exported import ExportNote, WholeRecording
from detector.store.formats.exported_table import write_table

SCHEMA = "shared-night/1"
NEW_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
NAMELESS = (1980, 1, 1, 0, 0, 0)  # the date of each file in the archive


@dataclass(frozen=True, slots=True)
class SharedRecording:
    """A recording, its events, and what people said that they were, by id."""

    recording: WholeRecording
    events: Sequence[Event]
    labels: Mapping[str, str]
    driver: str


def write_shared(
    path: Path,
    recordings: Sequence[SharedRecording],
    *,
    zone: tzinfo | None,
    mask: Callable[[str], str],
    texts: Mapping[str, str],
) -> tuple[str, ...]:
    """Write the archive whole or not at all; return the names of what is in it.

    Parameters
    ----------
    zone : in which the hour of the night is that of the wall's clock
    mask : takes names out of a sentence
    texts : more files, by name

    Raises
    ------
    OSError
        It cannot be written.
    """
    later = shift(recordings, zone)
    about = [_about(number, each) for number, each in enumerate(recordings, 1)]
    with (
        TemporaryDirectory(prefix=".spasmwatch-share-", dir=path.absolute().parent) as scratch,
        replacement(path) as draft,
        zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        body = plain_json.line({"schema": SCHEMA, "spasmwatch": VERSION, "sensors": about})
        for name, text in {**texts, "about.json": body + "\n"}.items():
            archive.writestr(_member(name), text)
        for number, each in enumerate(recordings, 1):
            for file in _files(Path(scratch), f"sensor-{number}", each, later, mask):
                with file.open("rb") as content, archive.open(_member(file.name), "w") as member:
                    while piece := content.read(1 << 20):
                        member.write(piece)
                file.unlink()
        return tuple(archive.namelist())


def shift(recordings: Sequence[SharedRecording], zone: tzinfo | None) -> timedelta:
    """Return by how much all dates move: the first becomes New Year's Day, at its full hour."""
    began = [each.recording.note.timebase.at_s(0.0) for each in recordings]
    first = min((each for each in began if each is not None), default=NEW_YEAR)
    return NEW_YEAR + timedelta(hours=first.astimezone(zone).hour) - first


def _files(
    folder: Path,
    name: str,
    shared: SharedRecording,
    later: timedelta,
    mask: Callable[[str], str],
) -> list[Path]:
    recording = shared.recording
    note = ExportNote(
        recording=name,
        timebase=_moved(recording.note.timebase, later),
        sensor=name,
        site=recording.note.site,
    )
    samples = folder / f"{name}.csv"
    write_table(samples, WholeRecording(recording.samples, note, ()))
    found = folder / f"{name}_found.tsv"
    write_events(found, _nameless(shared.events, later, mask))
    said = folder / f"{name}_events.tsv"
    rows = [
        f"{each.onset_s}\t{each.duration_s}\t{shared.labels[each.id]}"
        for each in shared.events
        if each.id in shared.labels
    ]
    said.write_text("\n".join(["onset\tduration\ttrial_type", *rows]) + "\n", encoding="utf-8")
    return [samples, found, said] if rows else [samples, found]


def _moved(base: Timebase, later: timedelta) -> Timebase:
    if base.epoch_ns is None:
        return base
    by_ns = later // timedelta(microseconds=1) * 1000
    knots = tuple(replace(knot, epoch_ns=knot.epoch_ns + by_ns) for knot in base.knots)
    return Timebase(base.fs, base.epoch_ns + by_ns, knots)


def _nameless(events: Sequence[Event], later: timedelta, mask: Callable[[str], str]) -> list[Event]:
    episodes: dict[str, str] = {}
    made = []
    for number, event in enumerate(events, 1):
        episode = event.episode
        if episode is not None:
            episode = episodes.setdefault(episode, f"episode-{len(episodes) + 1}")
        made.append(
            replace(
                event,
                id=f"event-{number}",
                episode=episode,
                onset=None if event.onset is None else event.onset + later,
                end=None if event.end is None else event.end + later,
                sensor=None,
                wearer=None,
                recording=None,
                reason=mask(event.reason),
            )
        )
    return made


def _about(number: int, shared: SharedRecording) -> dict[str, object]:
    recording = shared.recording
    began = recording.note.timebase.at_s(0.0)
    return {
        "sensor": f"sensor-{number}",
        "site": recording.note.site,
        "device": shared.driver,
        "fs": recording.fs,
        "samples": len(recording),
        "gaps": len(recording.gaps),
        "dated": began is not None and began > EPOCH,
    }


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, NAMELESS)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made
