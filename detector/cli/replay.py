"""`spasmwatch replay`: a recorded night again, word for word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from detector.cli.invocation import Invocation
from detector.words.phrases import NOTICE, length

if TYPE_CHECKING:
    from detector.devices.stream import Reading
    from detector.recognition.events.stamp import Provenance


def replay(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A night or capture of ours, CSV, npz.")
    ],
) -> None:
    """Say again what was said while a recording was made.

    At full speed; nothing is published. The same recording gives the same lines, byte for byte.
    """
    from detector.alerts.rules import parse_rules
    from detector.cli.narrator import Narrator
    from detector.night.night import Night
    from detector.night.sensor_watch import Worn
    from detector.recognition.events.stamp import Provenance
    from detector.sources.replay import from_items, from_samples
    from detector.store.capture import Capture, is_capture
    from detector.store.formats.reader import open_recording
    from detector.store.recording import Recording

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
    rules = parse_rules(settings.alerts.wake_for)
    last_utc_ns = 0
    narrator = Narrator(call.out, lambda: last_utc_ns, zone)

    def play(
        readings: Iterable[Reading], provenance: Provenance, site: str, *, dated: bool = True
    ) -> None:
        nonlocal last_utc_ns
        night = Night([Worn(provenance, site)], rules=rules, dated=dated)
        mono_ns = 0
        for reading in readings:
            mono_ns, last_utc_ns = reading.item.mono_ns, reading.item.utc_ns
            narrator.tell(night.take(reading))
        narrator.tell(night.finish(mono_ns, last_utc_ns))
        watched, gaps = length(night.monitored_s), night.gap_count
        call.out.say(f"{file.name}: {watched} watched, {gaps} gaps. {NOTICE}")

    if file.suffix == ".sqlite":
        with Recording.open(file) as recording:
            header = recording.header
            provenance = Provenance(header.wearer, header.sensor, header.name, header.origin)
            play(from_items(recording.items()), provenance, header.site)
            if recording.damaged:
                call.out.say(f"{file.name}: {recording.damaged} damaged rows were left out.")
    elif is_capture(file):
        capture = Capture.open(file)
        site = capture.header.placement or settings.sensor.placement
        play(from_items(capture.items()), Provenance(recording=file.stem), site, dated=False)
    else:
        with open_recording(file) as reader:
            provenance = Provenance(recording=file.stem)
            dated = reader.timebase.epoch_ns is not None
            play(from_samples(reader), provenance, settings.sensor.placement, dated=dated)
            for warning in reader.warnings:
                call.out.say(warning)
