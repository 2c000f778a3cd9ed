"""`spasmwatch export`: nights as files for other programs, samples and events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector import plain_json
from detector.errors import RecordingError, StorageError
from detector.terminal.failures import NOT_WHOLE, report_failure
from detector.terminal.invocation import Invocation, UsageError, program_name
from detector.terminal.nights import (
    NIGHT_HELP,
    SimulatedOption,
    damage_words,
    evenings_named,
    kept_nights,
)
from detector.words.phrases import NOTICE, counted

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Event
    from detector.service.persistence.kept_nights import KeptNight
    from detector.store.formats.edf_out import Resolution
    from detector.store.formats.exported import WholeRecording
    from detector.terminal.output import Output


class ExportFormat(StrEnum):
    """What nights are written as."""

    CSV = "csv"
    PARQUET = "parquet"
    EDF = "edf"
    BDF = "bdf"
    BIDS = "bids"
    FHIR = "fhir"


TYPICAL_S = 8 * 3600.0  # of a night whose length is known only once it was read
LIBRARIES = {
    ExportFormat.PARQUET: "pyarrow",
    ExportFormat.EDF: "edfio",
    ExportFormat.BDF: "edfio",
}


@dataclass(frozen=True, slots=True)
class _Written:
    """A file that was written; `kept` says what of its numbers is kept where that is not all."""

    file: Path
    what: str
    samples: int = 0
    gaps: int = 0
    events: int = 0
    kept: str = ""

    def line(self) -> str:
        parts = [f"{self.samples} samples, {counted(self.gaps, 'gap')}"] if self.samples else []
        parts += [counted(self.events, "event")] if self.what == "events" else []
        return f"{self.file}   {', '.join([*parts, *([self.kept] if self.kept else [])])}"

    def to_json(self) -> str:
        return plain_json.line(
            {
                "file": str(self.file),
                "what": self.what,
                "samples": self.samples,
                "gaps": self.gaps,
                "events": self.events,
                "kept": self.kept or None,
            }
        )


def export(
    ctx: typer.Context,
    nights: Annotated[
        list[str] | None,
        typer.Argument(metavar="NIGHT…", help=NIGHT_HELP, show_default="last"),
    ] = None,
    *,
    to: Annotated[
        Path,
        typer.Option(
            "--to", metavar="PATH", help="File of one recording, or folder of all; made if missing."
        ),
    ],
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="What to write.", show_default="by the suffix, or csv"),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over files that are there.")
    ] = False,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="One night to be given away, NAME.zip: no names, addresses or dates in it.",
        ),
    ] = False,
    agree: Annotated[
        bool, typer.Option("--agree", help="Agree to what --share asks, without being asked.")
    ] = False,
    simulated: SimulatedOption = False,
) -> None:
    """Write nights for other programs: samples and events, with gaps as gaps.

    `detect` reads each of these files again and finds the same events. The events as they are
    kept, with what people said that they were, are a table beside them. Nights stay as they are.
    fhir is counts alone, of all nights in one NAME.json.
    """
    from detector.cli.your_data.observations import write_observations
    from detector.store.state_file import wearer_in

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    if share:
        _share(call, nights or [], to, form, agree=agree, replace=replace, simulated=simulated)
        return
    chosen, is_file = _target(to, form)
    _check_library(chosen, to)
    kept = kept_nights(settings, simulated=simulated)
    found = [kept.night(evening) for evening in evenings_named(nights or [], kept)]
    if chosen is ExportFormat.FHIR:
        code = write_observations(call, found, to, wearer_in(kept.state), replace=replace)
        if code:
            raise typer.Exit(code)
        return
    recordings = [path for night in found for path in night.recordings]
    if is_file and len(recordings) != 1:
        raise UsageError(
            f"{to} is one file, and {'these nights have' if len(found) > 1 else 'this night has'} "
            f"{counted(len(recordings), 'recording')}: name a folder",
            param_hint="--to",
        )
    writer = _Writer(to, chosen, is_file=is_file, replace=replace, zone=settings.wearer.zone)
    writer.prepare(found)
    whole = True
    for night in found:
        if night.damaged:
            call.out.say(damage_words(night))
        if not night.recordings:
            call.out.say(
                f"{night.evening} has no recording any more: its events are written alone."
            )
        for written in writer.write(night, call.out):
            call.out.data(written.to_json() if call.out.json else written.line())
        whole = whole and writer.whole and not night.damaged
    if not call.out.json:
        call.out.say(f"Read again with: {program_name()} detect FILE")
        call.out.say(NOTICE)
    if not whole:
        raise typer.Exit(NOT_WHOLE)


def _share(
    call: Invocation,
    named: Sequence[str],
    to: Path,
    form: ExportFormat | None,
    *,
    agree: bool,
    replace: bool,
    simulated: bool,
) -> None:
    from detector.cli.your_data.share import share

    if form is not None or len(named) > 1:
        raise UsageError("--share takes one NIGHT, and has a form of its own: NAME.zip")
    kept = kept_nights(call.configuration().settings, simulated=simulated)
    (evening,) = evenings_named(named, kept)
    share(call, kept.night(evening), to, agree=agree, replace=replace)


def _target(to: Path, form: ExportFormat | None) -> tuple[ExportFormat, bool]:
    """Return the format, and whether one file is meant rather than a folder."""
    if form is ExportFormat.FHIR:
        return form, True
    suffix = to.suffix.lower().removeprefix(".")
    named = next((each for each in ExportFormat if each == suffix), None)
    if named is ExportFormat.BIDS or to.is_dir():
        named = None
    if named and form and named is not form:
        raise UsageError(f"{to} is no {form}: give it the suffix .{form}", param_hint="--to")
    if named is None and to.exists() and not to.is_dir():
        raise UsageError(f"{to} is a file, and no name of one that is written", param_hint="--to")
    return named or form or ExportFormat.CSV, named is not None


def _check_library(form: ExportFormat, to: Path) -> None:
    from detector.store.formats.optional import library

    if form in LIBRARIES:
        library(LIBRARIES[form], "Parquet" if form is ExportFormat.PARQUET else "EDF+", to.name)


def _kept_words(resolution: Resolution) -> str:
    bits = 16 if resolution.suffix == ".edf" else 24
    exact = "as the sensor sent them" if resolution.exact else "rounded"
    return f"{bits} bits, in steps of {resolution.step_g * 1e6:.4g} µg, {exact}"


@dataclass(slots=True)
class _Writer:
    """Writes nights; whole : whether all of the last one's recordings could be read."""

    to: Path
    form: ExportFormat
    is_file: bool
    replace: bool
    zone: tzinfo | None
    whole: bool = True

    def prepare(self, nights: Sequence[KeptNight]) -> None:
        """Make the folder, and check that nothing is written over, before anything is written."""
        folder = self.to.parent if self.is_file else self.to
        if self.is_file and not folder.is_dir():
            raise StorageError(f"{self.to}: there is no such folder. Create it: mkdir -p {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        if self.replace:
            return
        wanted = [self._events(night) for night in nights]
        wanted += [path for night in nights for path in self._files(night)]
        if self.form is ExportFormat.BIDS:
            sessions = [f"sub-*/ses-{night.evening:%Y%m%d}" for night in nights]
            wanted = [path for session in sessions for path in sorted(self.to.glob(session))]
        there = [path for path in wanted if path.exists()]
        if there:
            raise UsageError(f"{there[0]} exists already: choose another --to, or add --replace")

    def write(self, night: KeptNight, out: Output) -> Iterator[_Written]:
        """Write a night; yield each file when it is whole."""
        from detector.store.formats.event_table import write_labelled

        self.whole = True
        if self.form is ExportFormat.BIDS:
            read = [each for path in night.recordings if (each := self._read(path, night, out))]
            yield from self._write_bids(night, read, out)
            return
        for path in night.recordings:
            one = self._read(path, night, out)
            if one is not None:
                with out.progress(f"writing {path.stem}", len(one[0])) as advance:
                    written = self._write_one(path, *one, advance)
                yield written
        table = self._events(night)
        labels = {name: said.words for name, said in night.labels.items()}
        write_labelled(table, night.events, labels)
        yield _Written(table, "events", events=len(night.events))

    def _read(
        self, path: Path, night: KeptNight, out: Output
    ) -> tuple[WholeRecording, list[Event]] | None:
        """Return a recording and its events; None, and why is said, where it cannot be read."""
        from detector.store.formats.exported import whole_recording
        from detector.store.formats.reader import open_recording

        try:
            with open_recording(path) as reader:
                total = reader.timebase.fs * TYPICAL_S if reader.total is None else reader.total
                with out.progress(path.name, round(total)) as advance:
                    recording = whole_recording(reader, advance)
                self.whole = self.whole and not reader.damage()
        except RecordingError as error:
            if self.is_file:
                raise
            report_failure(error, out)
            self.whole = False
            return None
        for warning in recording.warnings:
            out.say(warning)
        name = recording.note.recording
        own = [each for each in night.events if each.recording and each.recording.name == name]
        return recording, own

    def _write_one(
        self,
        path: Path,
        recording: WholeRecording,
        events: Sequence[Event],
        advance: Callable[[int], object],
    ) -> _Written:
        from detector.files import replacement
        from detector.store.formats.edf_out import resolution_of, write_edf
        from detector.store.formats.exported_table import write_table
        from detector.store.formats.parquet import write_parquet

        file, kept = self._file(path), ""
        if self.form in {ExportFormat.EDF, ExportFormat.BDF}:
            resolution = resolution_of(recording.samples, self._suffix())
            file = file.with_suffix(resolution.suffix)
            kept = _kept_words(resolution)
        with replacement(file) as draft:
            if self.form is ExportFormat.CSV:
                write_table(draft, recording, advance)
            elif self.form is ExportFormat.PARQUET:
                write_parquet(draft, recording, advance)
            else:
                write_edf(draft, recording, resolution, events, self.zone)
        return _Written(file, "samples", len(recording), len(recording.gaps), len(events), kept)

    def _write_bids(
        self, night: KeptNight, read: Sequence[tuple[WholeRecording, list[Event]]], out: Output
    ) -> Iterator[_Written]:
        from detector.store.formats.motion_bids_out import BidsNight, write_motion_bids

        total = sum(len(recording) for recording, _ in read)
        with out.progress(f"writing {night.evening}", total) as advance:
            files = list(write_motion_bids(self.to, BidsNight(night.evening, read), advance))
        for file, (recording, events) in zip(files, read, strict=True):
            yield _Written(file, "samples", len(recording), len(recording.gaps), len(events))

    def _suffix(self) -> str:
        """Return which form of EDF must be written; "" where the samples decide."""
        if self.form is ExportFormat.BDF:
            return ".bdf"
        return ".edf" if self.is_file else ""

    def _file(self, path: Path) -> Path:
        return self.to if self.is_file else self.to / f"{path.stem}.{self.form}"

    def _files(self, night: KeptNight) -> Iterator[Path]:
        for path in night.recordings:
            file = self._file(path)
            yield file
            if self.form is ExportFormat.EDF and not self.is_file:
                yield file.with_suffix(".bdf")

    def _events(self, night: KeptNight) -> Path:
        """Return the table of events; no name that `evaluate` takes for labels of people."""
        if self.is_file:
            return self.to.with_name(f"{self.to.stem}-events.csv")
        return self.to / f"{night.evening}-events.csv"
