"""`spasmwatch detect`: what recordings hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from detector.cli.failures import report_failure
from detector.cli.invocation import Invocation
from detector.cli.moments import HELP, When, parse_when, place
from detector.cli.output import Output
from detector.errors import RecordingError
from detector.sites import Site
from detector.words.phrases import NOTICE, alert_line, event_line, length, summary

if TYPE_CHECKING:
    from detector.alert import Alert
    from detector.alerts.policy import Now, Policy
    from detector.block import Timebase
    from detector.events import Event
    from detector.recognition.events.stamp import Provenance
    from detector.recognition.why.explanation import Explanation
    from detector.store.formats.reading import RecordingReader
    from detector.words.why import RecordingPlace


ModelName = Literal["rules-v1", "refined-v1"]
UnitName = Literal["g", "m/s2", "mg"]


def detect(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="CSV, TSV, npz, sqlite or capture.")
    ],
    *,
    fs: Annotated[
        float | None, typer.Option(metavar="HZ", help="Sampling rate, where the file has none.")
    ] = None,
    unit: Annotated[
        UnitName | None, typer.Option(help="Unit, where the file does not say it.")
    ] = None,
    site: Annotated[
        Site | None,
        typer.Option(
            help="Where the sensor was worn.", show_default="what the file says, or ankle"
        ),
    ] = None,
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Add the alerts that your rules would have raised.")
    ] = False,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="The files are sensors of one wearer: what they saw of one movement is one event.",
        ),
    ] = False,
    model: Annotated[
        ModelName, typer.Option(help="refined-v1 asks for a learned second opinion.")
    ] = "rules-v1",
    explain: Annotated[list[str] | None, typer.Option(metavar="TIME", help=HELP)] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write the events, as .tsv (BIDS), .csv, .parquet."),
    ] = None,
) -> None:
    """Find likely spasms in recordings, each event once, in order."""
    from detector.alerts.policy import Policy
    from detector.alerts.rules import parse_rules
    from detector.events import Origin
    from detector.store.formats.event_table import check_target, write_events
    from detector.store.formats.reader import open_recording

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
    rules = parse_rules(settings.alerts.wake_for)
    moments = [parse_when(text) for text in explain or []]
    if moments and (together or alerts):
        raise typer.BadParameter(
            "one moment of one sensor is explained: leave --together and --alerts out",
            param_hint="--explain",
        )
    if out is not None:
        check_target(out)
    code = 0
    shown: list[_Found] = []
    for file in files:
        policy = Policy(rules, source=Origin.REPLAY) if alerts else None
        try:
            with open_recording(file, fs=fs, unit=unit) as reader:
                alone = None if together else policy
                found = _find(
                    reader, site, model, policy=alone, out=call.out, moments=moments, zone=zone
                )
        except (RecordingError, OSError) as error:
            found_code = report_failure(error, call.out)
            code = code or found_code
            continue
        shown.append(found)
        if moments:
            _show_answers(found, moments, call.out)
        elif not together:
            _show(found, call.out, zone)
    if together and code:
        raise typer.Exit(code)  # what the others saw would look like all that there was
    if together:
        try:
            shown = [_together(shown, policy)]
        except RecordingError as error:
            raise typer.Exit(report_failure(error, call.out)) from None
        _show(shown[0], call.out, zone, name_sensors=True)
    if out is not None and shown:
        write_events(out, [event for found in shown for event in found.events])
    if shown and not call.out.json:
        call.out.say(NOTICE)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _Found:
    heading: str
    warnings: tuple[str, ...]
    events: tuple[Event, ...]
    alerts: tuple[Alert, ...]
    sensor: str
    until: Now
    where: RecordingPlace
    answers: tuple[Explanation, ...] = ()


def _find(
    reader: RecordingReader,
    site: Site | None,
    model: ModelName,
    *,
    policy: Policy | None,
    out: Output,
    moments: Sequence[When],
    zone: tzinfo | None,
) -> _Found:
    """Take a whole recording through the pipeline that also watches live."""
    from detector.alerts.policy import Now
    from detector.events import final_forms
    from detector.recognition.events.stamp import Provenance, stamp
    from detector.recognition.pipeline import Watcher
    from detector.recognition.why.explainer import Explainer
    from detector.words.reasons import worded
    from detector.words.why import RecordingPlace

    provenance = Provenance(reader.wearer, reader.sensor, reader.recording, model=model)
    worn = site or reader.site or "ankle"
    asked = [place(when, reader.name, reader.timebase, zone) for when in moments]
    watcher = Explainer(asked, site=worn, model=model) if asked else Watcher(site=worn, model=model)
    said: list[Event] = []
    alerts: list[Alert] = []
    stream_s = 0.0
    samples = gaps = stop = 0

    def tell(found: list[Event]) -> None:
        nonlocal stream_s
        for event in (worded(stamp(each, provenance, reader.timebase)) for each in found):
            said.append(event)
            if policy is not None:
                stream_s = max(stream_s, event.end_s)
                alerts.extend(policy.observe(event, now(stream_s)))

    def now(seconds: float) -> Now:
        utc = reader.timebase.at_s(seconds)
        return Now(mono_ns=round(seconds * 1e9), utc=utc, stream_s=seconds, stream_utc=utc)

    with out.progress(reader.name, reader.total) as advance:
        for block in reader.blocks():
            gaps += samples > 0 and block.start != stop
            samples, stop = samples + len(block), block.stop
            tell(watcher.process(block))
            advance(len(block))
    tell(watcher.finish())
    until = now(max(stream_s, stop / reader.fs))
    if policy is not None:
        alerts += policy.tick(until)
    answers = watcher.explanations() if isinstance(watcher, Explainer) else []
    heading = f"{reader.name}   {length(samples / reader.fs)}, {reader.fs:.4g} samples/s"
    if gaps:
        heading += f", {gaps} gap{'s' if gaps > 1 else ''} ({length((stop - samples) / reader.fs)})"
    return _Found(
        heading,
        tuple(reader.warnings),
        tuple(final_forms(said)),
        tuple(alerts),
        sensor=reader.sensor or reader.recording,
        until=until,
        where=RecordingPlace(reader.name, reader.sensor, worn, reader.timebase, zone),
        answers=tuple(_stamped(answer, provenance, reader.timebase) for answer in answers),
    )


def _stamped(answer: Explanation, provenance: Provenance, timebase: Timebase) -> Explanation:
    from detector.recognition.events.stamp import stamp
    from detector.words.reasons import worded

    def whole(event: Event | None) -> Event | None:
        return None if event is None else worded(stamp(event, provenance, timebase))

    return replace(answer, event=whole(answer.event), near=whole(answer.near))


BEGAN_TOGETHER = "Not every recording has a wall clock: they are taken to have begun together."


def _together(found: list[_Found], policy: Policy | None) -> _Found:
    """Make one wearer's events of what several recordings hold."""
    from detector.recognition.events.fusion import fuse_final
    from detector.words.reasons import worded

    wearers = {event.wearer for each in found for event in each.events} - {None}
    if len(wearers) > 1:
        raise RecordingError(
            "the recordings are of different wearers: give --together those of one"
        )
    dated = all(each.until.stream_utc is not None for each in found)
    names = [each.sensor for each in found]
    if len(set(names)) < len(names):
        names = [f"{name} {number}" for number, name in enumerate(names, 1)]
    streams = [
        [_of_one_wearer(event, name, *wearers, dated=dated) for event in each.events]
        for name, each in zip(names, found, strict=True)
    ]
    events = [worded(event) for event in fuse_final(streams)]
    ends = [
        each.until if dated else replace(each.until, utc=None, stream_utc=None) for each in found
    ]
    until = max(ends, key=lambda now: now.event_s)
    return _Found(
        "\n".join(each.heading for each in found),
        (*(w for each in found for w in each.warnings), *([] if dated else [BEGAN_TOGETHER])),
        tuple(events),
        () if policy is None else tuple(_alerts_for(events, until, policy)),
        sensor="",
        until=until,
        where=found[0].where,
    )


def _of_one_wearer(event: Event, sensor: str, wearer: str | None = None, *, dated: bool) -> Event:
    event = replace(event, sensor=sensor, wearer=wearer)
    return event if dated else replace(event, onset=None, end=None)


def _alerts_for(events: list[Event], until: Now, policy: Policy) -> list[Alert]:
    """Tell the rules of each event as it ended."""
    ends = [(replace(until, utc=e.end, stream_s=e.end_s, stream_utc=e.end), e) for e in events]
    told = sorted(ends, key=lambda pair: pair[0].event_s)
    return [a for now, event in told for a in policy.observe(event, now)] + policy.tick(until)


def _show_answers(found: _Found, moments: Sequence[When], out: Output) -> None:
    from detector.cli.explained import show

    for warning in found.warnings:
        out.say(warning)
    if not out.json:
        out.data(found.heading)
    for when, answer in zip(moments, found.answers, strict=True):
        if when.hint and not out.json and found.where.timebase.epoch_ns is not None:
            out.say(when.hint)
        show(answer, found.where, when.text, out)


def _show(found: _Found, out: Output, zone: tzinfo | None, *, name_sensors: bool = False) -> None:
    from detector.alert import to_json as alert_json
    from detector.events import to_json as event_json

    for warning in found.warnings:
        out.say(warning)
    if out.json:
        for event in found.events:
            out.data(event_json(event))
        for alert in found.alerts:
            out.data(alert_json(alert))
        return
    out.data(found.heading)
    for event in found.events:
        sensor = f" [{event.sensor}]" if name_sensors else ""
        out.data(event_line(event, zone) + sensor)
    for alert in found.alerts:
        out.data(alert_line(alert, zone))
    out.data(summary(found.events))
