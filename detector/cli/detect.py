"""`spasmwatch detect`: what recordings hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from detector.cli.failures import report_failure
from detector.cli.invocation import Invocation
from detector.cli.output import Output
from detector.cli.words import NOTICE, alert_line, event_line, length, summary
from detector.errors import RecordingError

if TYPE_CHECKING:
    from detector.alerts.alert import Alert
    from detector.alerts.policy import Policy
    from detector.events import Event
    from detector.store.formats.reading import RecordingReader


Site = Literal["foot", "ankle", "calf", "thigh", "wrist", "trunk"]
UnitName = Literal["g", "m/s2", "mg"]


def detect(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, TSV, npz or sqlite.")],
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
    if out is not None:
        check_target(out)
    code = shown = 0
    events: list[Event] = []
    for file in files:
        policy = Policy(rules, source=Origin.REPLAY) if alerts else None
        try:
            with open_recording(file, fs=fs, unit=unit) as reader:
                found = _find(reader, site, policy, call.out)
        except (RecordingError, OSError) as error:
            found_code = report_failure(error, call.out)
            code = code or found_code
            continue
        events += found.events
        shown += 1
        _show(found, call.out, zone)
    if out is not None and shown:
        write_events(out, events)
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


def _find(reader: RecordingReader, site: Site | None, policy: Policy | None, out: Output) -> _Found:
    """Take a whole recording through the pipeline that also watches live."""
    from detector.alerts.policy import Now
    from detector.events import final_forms
    from detector.recognition.pipeline import Watcher
    from detector.recognition.stamp import Provenance, stamp

    provenance = Provenance(reader.wearer, reader.sensor, reader.recording)
    watcher = Watcher(site=site or reader.site or "ankle")
    said: list[Event] = []
    alerts: list[Alert] = []
    stream_s = 0.0
    samples = gaps = stop = 0

    def tell(found: list[Event]) -> None:
        nonlocal stream_s
        for event in (stamp(event, provenance, reader.timebase) for event in found):
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
    if policy is not None:
        alerts += policy.tick(now(max(stream_s, stop / reader.fs)))
    heading = f"{reader.name}   {length(samples / reader.fs)}, {reader.fs:.4g} samples/s"
    if gaps:
        heading += f", {gaps} gap{'s' if gaps > 1 else ''} ({length((stop - samples) / reader.fs)})"
    return _Found(heading, tuple(reader.warnings), tuple(final_forms(said)), tuple(alerts))


def _show(found: _Found, out: Output, zone: tzinfo | None) -> None:
    from detector.alerts.alert import to_json as alert_json
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
        out.data(event_line(event, zone))
    for alert in found.alerts:
        out.data(alert_line(alert, zone))
    out.data(summary(found.events))
