"""`spasmwatch detect`: what recordings hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detector.cli.recordings.file_options import RowsWanted, UnitName, rows_wanted
from detector.errors import ModelError, RecordingError
from detector.events import Event
from detector.sites import Site
from detector.terminal.failures import NOT_WHOLE, report_failure
from detector.terminal.invocation import Invocation
from detector.terminal.moments import HELP, When, parse_when, place
from detector.terminal.output import Output
from detector.words.alerts import alert_line
from detector.words.phrases import NOTICE, STRAP_LOOSE, counted, event_line, length, summary

if TYPE_CHECKING:
    from detector.alert import Alert
    from detector.alerts.rules import Rule
    from detector.block import Stretch
    from detector.night.observation import WornSensor
    from detector.night.recorded import RecordedNight
    from detector.recognition.counts.night_counts import NightCounts
    from detector.recognition.why.explainer import Explainer
    from detector.recognition.why.explanation import Explanation
    from detector.store.formats.reading import RecordingReader
    from detector.store.formats.table.reader import Where
    from detector.words.why import RecordingPlace


ModelName = Literal["rules-v1", "learned-v1"]

WITHOUT_JSON = "--counts adds a line for programs: give it with --json."


def detect(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="CSV, TSV, npz, sqlite or capture.")
    ],
    *,
    fs: Annotated[
        float | None, typer.Option(metavar="HZ", help="Sampling rate, where the file has none.")
    ] = None,
    unit: UnitName = None,
    where: RowsWanted = None,
    site: Annotated[
        Site | None,
        typer.Option(
            help="Where the sensor was worn.", show_default="what the file says, or ankle"
        ),
    ] = None,
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Add the alerts that your rules would have raised.")
    ] = False,
    counts: Annotated[
        bool,
        typer.Option(
            "--counts",
            help="With --json: add how many there were of each kind, and in truth (counts/1).",
        ),
    ] = False,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="The files are sensors of one wearer: what they saw of one movement is one event.",
        ),
    ] = False,
    model: Annotated[
        ModelName, typer.Option(help="rules-v1 leaves out the learned opinions.")
    ] = "learned-v1",
    explain: Annotated[list[str] | None, typer.Option(metavar="TIME", help=HELP)] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write the events, as .tsv (BIDS), .csv, .parquet."),
    ] = None,
) -> None:
    """Find likely spasms in recordings, each event once, in order."""
    from detector.alerts.rules import parse_rules, with_no_signal
    from detector.store.formats.event_table import check_target, write_events

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    moments = [parse_when(text) for text in explain or []]
    if moments and (together or alerts or counts):
        raise typer.BadParameter(
            "one moment of one sensor is explained: leave --together, --alerts and --counts out",
            param_hint="--explain",
        )
    if counts and not call.out.json:
        call.out.say(WITHOUT_JSON)
    if out is not None:
        try:
            check_target(out)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--out") from None
    rules = with_no_signal(parse_rules(settings.alerts.wake_for)) if alerts else ()
    zone = settings.wearer.zone
    how = _How(
        fs, unit, rows_wanted(where), site, model, rules, tuple(moments), zone, alerts, counts
    )
    code = 0
    shown: list[_Found] = []
    for group in [files] if together else [[file] for file in files]:
        with ExitStack() as stack:
            readers, failed = _opened(group, how, stack, call.out)
            try:
                if not failed:
                    shown.append(_find(readers, how, call.out, together=together))
            except (RecordingError, OSError) as error:
                failed = report_failure(error, call.out)
        code = code or failed
        if not failed:
            _show(shown[-1], how, call.out, name_sensors=together)
            code = code or (0 if shown[-1].is_whole else NOT_WHOLE)
            if shown[-1].uncounted is not None:
                failed = report_failure(shown[-1].uncounted, call.out)
                code = code or failed
    if out is not None and shown:
        write_events(out, [event for found in shown for event in found.events])
    if shown and not call.out.json:
        call.out.say(NOTICE)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _How:
    """What was asked for; `moments` are to be explained.

    Alerts about the sensor need no rule: a person sees them anyway, a program only with `alerts`,
    as with `counts`.
    """

    fs: float | None
    unit: str | None
    where: Where | None
    site: Site | None
    model: ModelName
    rules: tuple[Rule, ...]
    moments: tuple[When, ...]
    zone: tzinfo | None
    alerts: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class _Found:
    headings: tuple[str, ...]
    warnings: tuple[str, ...]
    events: tuple[Event, ...]
    in_time: tuple[Event | Alert, ...]  # the same events, and alerts between them
    counts: NightCounts | None  # None where nobody is told
    recordings: str
    answers: tuple[tuple[Explanation, RecordingPlace], ...] = ()
    is_whole: bool = True
    uncounted: ModelError | None = None  # why nothing can be said of how many there were in truth


BEGAN_TOGETHER = "Not every recording has a wall clock: they are taken to have begun together."


def _opened(
    files: Sequence[Path], how: _How, stack: ExitStack, out: Output
) -> tuple[list[RecordingReader], int]:
    """Open recordings; name all that cannot be read, and return the first one's exit code."""
    from detector.store.formats.reader import open_recording

    code = 0
    readers: list[RecordingReader] = []
    for file in files:
        try:
            readers.append(
                stack.enter_context(open_recording(file, fs=how.fs, unit=how.unit, where=how.where))
            )
        except (RecordingError, OSError) as error:
            failed = report_failure(error, out)
            code = code or failed
    return readers, code


def _find(readers: Sequence[RecordingReader], how: _How, out: Output, *, together: bool) -> _Found:
    """Run recordings, one or the sensors of one wearer, through the same `Night` as live."""
    from detector.night.recorded import RecordedNight, RecordedSensor

    worn = [_worn(reader, how) for reader in readers]
    worn = _of_one_wearer(worn) if together else worn
    explainer = _explainer(readers[0], worn[0], how) if how.moments else None
    sensors = [
        RecordedSensor(*each, follower=explainer) for each in zip(readers, worn, strict=True)
    ]
    recorded = RecordedNight(sensors, rules=how.rules)
    totals = [reader.total for reader in readers]
    total = None if None in totals else sum(each or 0 for each in totals)
    with out.progress(" + ".join(reader.name for reader in readers), total) as advance:
        for step in recorded.steps():
            advance(sum(len(block) for _, block in step.blocks))
    dated = all(reader.timebase.epoch_ns is not None for reader in readers)
    counts, uncounted = None, None
    try:
        counts = _counted(recorded, worn, how) if how.counts or not out.json else None
    except ModelError as error:
        uncounted = error
    return _Found(
        tuple(map(_heading, readers, recorded.stretches)),
        (*recorded.warnings, *([] if dated or len(readers) == 1 else [BEGAN_TOGETHER])),
        tuple(recorded.events),
        tuple(recorded.in_time),
        counts,
        " + ".join(reader.name for reader in readers),
        () if explainer is None else tuple(_answers(explainer, readers[0], recorded, how)),
        recorded.is_whole,
        uncounted,
    )


def _counted(recorded: RecordedNight, worn: Sequence[WornSensor], how: _How) -> NightCounts:
    from detector.evaluation.wearing import context_hours
    from detector.recognition.counts.night_counts import counts_of_night

    longest = max(recorded.stretches, key=_seen_s)
    return counts_of_night(
        recorded.events,
        context_hours(recorded.events, [(each.start_s, each.stop_s) for each in longest]),
        model=how.model,
        site=worn[0].site,
        sensors=len(worn),
    )


def _worn(reader: RecordingReader, how: _How) -> WornSensor:
    from detector.night.observation import WornSensor
    from detector.recognition.events.stamp import Provenance

    provenance = Provenance(reader.wearer, reader.sensor, reader.recording, model=how.model)
    return WornSensor(provenance, how.site or reader.site or "ankle")


def _of_one_wearer(worn: Sequence[WornSensor]) -> list[WornSensor]:
    """Return sensors with distinct names, all of the one wearer that any recording names."""
    wearers = {each.provenance.wearer for each in worn} - {None}
    if len(wearers) > 1:
        raise RecordingError(
            "the recordings are of different wearers: give --together those of one"
        )
    names = [each.provenance.sensor or each.provenance.recording or "" for each in worn]
    if len(set(names)) < len(names):
        names = [f"{name} {number}" for number, name in enumerate(names, 1)]
    wearer = next(iter(wearers), None)
    return [replace(each, name=name, wearer=wearer) for each, name in zip(worn, names, strict=True)]


def _heading(reader: RecordingReader, stretches: Sequence[Stretch]) -> str:
    """Return a recording's name, length and rate, and what is missing within."""
    seen_s = _seen_s(stretches)
    missing_s = stretches[-1].stop_s - stretches[0].start_s - seen_s if stretches else 0.0
    text = f"{reader.name}   {length(seen_s)}, {reader.fs:.4g} samples/s"
    gaps = len(stretches) - 1
    return text if gaps < 1 else f"{text}, {counted(gaps, 'gap')} ({length(missing_s)})"


def _seen_s(stretches: Sequence[Stretch]) -> float:
    return sum(each.stop_s - each.start_s for each in stretches)


def _explainer(reader: RecordingReader, worn: WornSensor, how: _How) -> Explainer:
    from detector.recognition.why.explainer import Explainer

    asked = [place(when, reader.name, reader.timebase, how.zone) for when in how.moments]
    return Explainer(asked, site=worn.site, model=how.model)


def _answers(
    explainer: Explainer, reader: RecordingReader, recorded: RecordedNight, how: _How
) -> Iterator[tuple[Explanation, RecordingPlace]]:
    """Return the explanation of each moment, with events as `detect` prints them."""
    from detector.recognition.events.stamp import stamp
    from detector.words.reasons import worded
    from detector.words.why import RecordingPlace

    (watch,) = recorded.night.watches
    timebase, provenance = watch.timebase or reader.timebase, watch.worn.provenance

    def whole(event: Event | None) -> Event | None:
        return None if event is None else worded(stamp(event, provenance, timebase))

    where = RecordingPlace(reader.name, reader.sensor, watch.worn.site, timebase, how.zone)
    for answer in explainer.explanations():
        yield replace(answer, event=whole(answer.event), near=whole(answer.near)), where


def _show(found: _Found, how: _How, out: Output, *, name_sensors: bool) -> None:
    from detector.alert import Alert
    from detector.alert import to_json as alert_json
    from detector.alerts.conditions import Condition
    from detector.events import to_json as event_json
    from detector.recognition.counts.error_rates import Counted
    from detector.recognition.counts.night_counts import to_json as counts_json

    for warning in found.warnings:
        out.say(warning)
    if not out.json:
        for heading in found.headings:
            out.data(heading)
    if how.moments:
        _show_answers(found, how.moments, out)
    elif out.json:
        for each in found.in_time if how.alerts else found.events:
            out.data(event_json(each) if isinstance(each, Event) else alert_json(each))
        if found.counts is not None:
            out.data(counts_json(found.counts, found.recordings))
    else:
        for each in found.in_time:
            if isinstance(each, Event):
                sensor = f" [{each.sensor}]" if name_sensors else ""
                out.data(event_line(each, how.zone) + sensor)
            else:
                out.data(alert_line(each, how.zone))
        likely = None if found.counts is None else found.counts.of(Counted.LIKELY).true
        out.data(summary(found.events, likely))
        if any(isinstance(e, Alert) and e.kind == Condition.LOOSE_STRAP for e in found.in_time):
            out.data(STRAP_LOOSE)


def _show_answers(found: _Found, moments: Sequence[When], out: Output) -> None:
    from detector.terminal.explained import show

    for when, (answer, where) in zip(moments, found.answers, strict=True):
        if when.hint and not out.json and where.timebase.epoch_ns is not None:
            out.say(when.hint)
        show(answer, where, when.text, out)
