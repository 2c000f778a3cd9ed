"""`spasmwatch report`: how a night went, for the wearer and for their clinician."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.errors import RecordingNotFoundError
from detector.terminal.failures import NOT_WHOLE
from detector.terminal.invocation import Invocation, UsageError, check_target, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.events import Origin
    from detector.report.gather import NightPlace
    from detector.report.reported import ReportedNight

LAST = "last"


@dataclass(frozen=True, slots=True)
class _AskedReport:
    """What was asked for: began a recording, first the evening of a trial."""

    call: Invocation
    settings: Settings
    origin: Origin
    began: str | None
    first: date | None


def report(
    ctx: typer.Context,
    nights: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NIGHT…",
            help="The evening, as 2026-11-20, or `last`, or a recording.",
            show_default=LAST,
        ),
    ] = None,
    *,
    trial: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Add the seven nights before an evening, and the seven latest from it on.",
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Write it with pictures: .html, .pdf (one page, of one night), .txt or .json; may "
            "be given again.",
        ),
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Write a page into the data folder, and open it.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Of nights that a simulated sensor made.")
    ] = False,
    replayed: Annotated[
        bool, typer.Option("--replayed", help="Of nights that `run --source file` played.")
    ] = False,
    began: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="When a recording without a time of day began: '2026-11-20 22:30'.",
        ),
    ] = None,
) -> None:
    """Show how a night went: what was watched, what was found, and how sure that is.

    A night runs from noon to noon. Counts come with the interval for the true number and with what
    the detector is known to miss and invent. Nothing is diagnosed: this is not a medical device.
    """
    call = Invocation.of(ctx)
    settings = call.configuration().settings
    if simulated and replayed:
        raise UsageError("--simulated and --replayed name different nights: give one of them")
    first = None if trial is None else _evening(trial, "--trial")
    asked = _AskedReport(call, settings, _origin(simulated, replayed), began, first)
    targets = list(out or [])
    _check_targets(targets, len(nights or [LAST]))
    found: list[ReportedNight] = []
    for number, each in enumerate(_told(asked, nights or [LAST])):
        found.append(each)
        if targets or open_:
            continue
        if number and not call.out.json:
            call.out.data("")
        _show(call, each, last=not nights)
    if open_:
        targets.append(_page_of(settings, found))
    _write(call, targets, found)
    if open_:
        _open(call, targets[-1])
    if any(each.night.quality.damaged for each in found):
        raise typer.Exit(NOT_WHOLE)


def _check_targets(targets: Sequence[Path], nights: int) -> None:
    """Refuse files that cannot be written, before anything is read."""
    from detector.report.written import FORMS

    for target in targets:
        if target.suffix.lower() not in FORMS:
            raise UsageError(
                f"{target}: a report is written as {', '.join(FORMS)}", param_hint="--out"
            )
        if target.suffix.lower() == ".pdf" and nights > 1:
            raise UsageError("a .pdf is of one night: give one, or an .html", param_hint="--out")
        check_target("--out", target)


def _page_of(settings: Settings, found: Sequence[ReportedNight]) -> Path:
    """Return the page's file in the data folder, which is made where it is not there."""
    folder = settings.data_dir / "reports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{found[-1].night.evening}.html"


def _write(call: Invocation, targets: Sequence[Path], found: Sequence[ReportedNight]) -> None:
    from detector.report.written import write_report

    for target in targets:
        if target.suffix.lower() == ".pdf" and len(found) > 1:  # a recording of several nights
            raise UsageError("a .pdf is of one night: give one, or an .html", param_hint="--out")
        write_report(target, found)
        call.out.say(f"Written to {target}")


def _open(call: Invocation, page: Path) -> None:
    """Open a page in the browser; say where it is where there is none."""
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        call.out.say("No browser can be opened here: open that file in one.")


def _origin(simulated: bool, replayed: bool) -> Origin:
    from detector.events import Origin

    return Origin.SIMULATED if simulated else Origin.REPLAY if replayed else Origin.LIVE


def _told(asked: _AskedReport, names: Sequence[str]) -> Iterator[ReportedNight]:
    """Yield the report of each night that was asked for."""
    from detector.report.unwatched import state_beside

    for name in names:
        path = Path(name)
        evening = None if name == LAST else _date(name)
        if name != LAST and evening is None:
            if not path.is_file():
                raise RecordingNotFoundError(
                    f"{name} is neither an evening, such as 2026-11-20, nor a recording that is "
                    "there. Nights that are kept: see the folder of recordings."
                )
            state = state_beside(path)
            if state is None:
                yield from _of_recording(asked, path)
                continue
            place = _place(asked.settings, _origin_of_file(path), state.parent)
            yield from _of_night(asked, place, _evening_of_file(path))
            continue
        yield from _of_night(asked, _place(asked.settings, asked.origin), evening)


def _of_night(
    asked: _AskedReport, place: NightPlace, evening: date | None
) -> Iterator[ReportedNight]:
    """Yield the report of a night that was watched, or of recordings that no state tells of."""
    from detector.evaluation.wearing import context_hours
    from detector.report.gather import Nights
    from detector.report.reported import ReportedNight
    from detector.report.trial import trial_of

    nights = Nights(place, context_hours, datetime.now(UTC))
    found = nights.last() if evening is None else evening
    if found is None:
        raise RecordingNotFoundError(
            f"No night is kept in {place.state.parent} yet. To watch one: {program_name()} run. "
            f"To report one of a simulated sensor: {program_name()} report --simulated"
        )
    with asked.call.out.progress("Reading the night", nights.expected(found)) as advance:
        night = nights.report(found, advance)
    if night is None:
        recordings = place.recordings_of(found)
        for path in recordings:
            yield from _of_recording(asked, path)
        if recordings:
            return
        last = nights.last()
        known = "" if last is None else f" The last night that is known: {last}."
        raise RecordingNotFoundError(f"Nothing is known of the night of {found}.{known}")
    trial = None
    first = asked.first
    if first is not None:
        from detector.report.trend import evenings_between
        from detector.report.trial import evenings_needed

        evenings = evenings_between(*evenings_needed(first, found))
        trial = trial_of(nights.figures(evenings), first, found)
    yield ReportedNight(night, nights.trace, trial)


def _of_recording(asked: _AskedReport, path: Path) -> Iterator[ReportedNight]:
    """Yield a report of each night in a recording that no state tells of."""
    from detector.evaluation.wearing import context_hours
    from detector.recognition.rules.opinions import DEFAULT_MODEL
    from detector.report.reported import ReportedNight
    from detector.report.unwatched import UnwatchedRecording, begun
    from detector.store.formats.reader import open_recording

    settings, zone = asked.settings, asked.settings.wearer.zone
    with open_recording(path) as reader:
        if asked.began is not None and reader.timebase.epoch_ns is None:
            begun(reader, _moment(asked.began, settings))
        site = reader.site or settings.sensor.placement
        recording = UnwatchedRecording(reader, site=site, model=DEFAULT_MODEL, zone=zone)
        with asked.call.out.progress(path.name, reader.total) as advance:
            found = recording.reports(context_hours, settings.wearer.label or path.stem, advance)
    for night in found:
        yield ReportedNight(night, recording.trace)


def _place(settings: Settings, origin: Origin, folder: Path | None = None) -> NightPlace:
    from detector.recognition.rules.opinions import DEFAULT_MODEL
    from detector.report.gather import NightPlace
    from detector.service.persistence.places import DataFolder

    place = DataFolder.of(settings.data_dir, origin) if folder is None else DataFolder(folder)
    return NightPlace(
        state=place.state,
        recordings=place.nights,
        origin=origin,
        zone=settings.wearer.zone,
        label=settings.wearer.label or settings.sensor.label,
        site=settings.sensor.placement,
        model=DEFAULT_MODEL,
    )


def _show(call: Invocation, told: ReportedNight, *, last: bool) -> None:
    if call.out.json:
        from detector import plain_json
        from detector.report.as_json import payload

        call.out.data(plain_json.line(payload(told.night, told.trial)))
        return
    from detector.events import Origin
    from detector.report.lines import report_lines, trial_lines
    from detector.words.nights import STIFFNESS_QUESTION

    width = shutil.get_terminal_size().columns
    asked = last and told.night.origin is Origin.LIVE and told.night.coverage.is_over
    question = STIFFNESS_QUESTION.format(program=program_name()) if asked else ""
    for line in report_lines(told.night, width=width, plain=call.out.plain, question=question):
        call.out.data(line)
    for line in [] if told.trial is None else trial_lines(told.trial, width=width):
        call.out.data(line)


def _evening_of_file(path: Path) -> date:
    evening = _date(path.name[:10])
    if evening is None:
        raise RecordingNotFoundError(
            f"{path.name} is not named after its evening, such as 2026-11-20.sqlite: give it "
            "from another folder, and it is watched anew."
        )
    return evening


def _origin_of_file(path: Path) -> Origin:
    from detector.store.recording import Recording

    with Recording.open(path) as recording:
        return recording.header.origin


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-20") else None
    except ValueError:
        return None


def _evening(text: str, option: str) -> date:
    evening = _date(text)
    if evening is None:
        raise UsageError(f"{text!r} is no date, such as 2026-11-20", param_hint=option)
    return evening


def _moment(text: str, settings: Settings) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no date and time, such as '2026-11-20 22:30'", param_hint="--began"
        ) from None
    if moment.tzinfo is not None:
        return moment
    zone = settings.wearer.zone
    return moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
