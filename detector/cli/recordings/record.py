"""`spasmwatch record`: write what a sensor sends, for tests, bug reports and new drivers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.setting_up.scan import short
from detector.errors import LinkError
from detector.terminal.invocation import (
    INTERRUPTED,
    DeviceOption,
    Invocation,
    RadioOption,
    SpeedOption,
    UsageError,
    check_target,
    program_name,
)
from detector.words.phrases import length, sentence

if TYPE_CHECKING:
    from detector.service.persistence.recorder import Job, Sinks
    from detector.store.capture import CaptureWriter
    from detector.terminal.output import Output

MOST_S = 24 * 3600
IO_ERROR = 74
_UNITS_S = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600}


def record(
    ctx: typer.Context,
    *,
    duration: Annotated[
        str, typer.Option(metavar="TIME", help="Counted from the first sample: 90s, 10min, 8h.")
    ] = "10min",
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.sqlite",
            help="Write this file.",
            show_default="a new one in the data folder",
        ),
    ] = None,
    capture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl", help="Also write what the sensor sent, as text, addresses masked."
        ),
    ] = None,
    device: DeviceOption = None,
    radio: RadioOption = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Record a sensor for a while, without looking for spasms.

    Ctrl-C ends it and keeps what has arrived. Nobody is told. `detect` and `replay` read both
    files. A capture holds how you moved and the sensor's own time stamps, but no address, serial
    number or time of day.
    """
    import asyncio

    from detector.cli.night.simulated import reach_over
    from detector.service.persistence.recorder import Job, sinks_of

    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise UsageError(str(error), param_hint="--duration") from None
    call = Invocation.of(ctx)
    settings = call.configuration().settings
    sensor = settings.sensor_called(device)
    reach = reach_over(radio, speed, sensor.adapter)
    check_target("--out", out_file, new=True)
    check_target("--capture", capture, new=True)
    job = Job(settings, sensor, reach, seconds)
    with sinks_of(job, out_file, capture) as sinks:
        asyncio.run(_keep(call.out, job, sinks))
    _report(call.out, job, sinks)


async def _keep(out: Output, job: Job, sinks: Sinks) -> None:
    """Record, and show how far it is; Ctrl-C ends it with what has arrived."""
    import asyncio
    import signal

    from detector.devices.stream import LinkDown, LinkUp

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, job.stop)
    out.say(f"Looking for the sensor, then {length(job.seconds)} of it. Ctrl-C ends it sooner.")
    shown_s = 0
    try:
        with out.progress("Recording", job.seconds) as advance:

            def tell(news: LinkUp | LinkDown | float) -> None:
                nonlocal shown_s
                match news:
                    case LinkUp():
                        out.say(f"Connected to {short(news.name)} ({news.driver}).")
                    case LinkDown():
                        out.say(f"Link lost: {sentence(news.reason)}")
                    case _ if int(news) > shown_s:
                        advance(int(news) - shown_s)
                        shown_s = int(news)

            await job.run(sinks, tell)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def parse_duration(text: str) -> int:
    """Return the seconds that `90s`, `10min`, `8h` or a bare number mean.

    Raises
    ------
    ValueError
        It is none of these, or longer than a day.
    """
    found = re.fullmatch(r"\s*([0-9]{1,6})\s*(s|min|m|h|)\s*", text.casefold())
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 1 <= seconds <= MOST_S:
        raise ValueError(
            f"{text[:20]!r} is not a time from 1s to 24h: write it like 90s, 10min or 8h"
        )
    return seconds


def _report(out: Output, job: Job, sinks: Sinks) -> None:
    """Write what was recorded; LinkError if nothing came until the end."""
    look = job.look
    path, captured = sinks.recording.path, sinks.capture
    packets = 0 if captured is None else captured.packets
    if look.samples:
        if out.json:
            out.data(json.dumps(_plain(job, path, captured)))
        else:
            rate = "" if look.pace is None else f" at {look.pace.rate_hz:.1f} a second"
            lost = look.clock.missing
            out.data(
                f"Recorded {length(job.recorded_s)}: {look.samples} samples{rate}, {lost} lost."
            )
            out.data(f"  {path}")
            if captured is not None:
                out.data(f"  {captured.path} ({packets} packets, addresses masked)")
            out.say(f"Look at it: {program_name()} detect {shlex.quote(str(path))}")
    elif captured is not None and packets:
        out.say(f"{captured.path} holds {packets} packets, none of them with samples.")
    if job.trouble is not None:
        out.error(job.trouble)
        raise typer.Exit(IO_ERROR)
    ended_early = job.ended == "interrupted" and look.link is not None and look.refused is None
    if not look.samples and ended_early:
        out.say("Nothing was recorded: it was ended before the first samples came.")
        raise typer.Exit(INTERRUPTED)
    if not look.samples:
        why = look.refused or job.why or "the sensor was not heard"
        raise LinkError(f"Nothing was recorded: {sentence(why)} Help: {program_name()} doctor")


def _plain(job: Job, path: Path, captured: CaptureWriter | None) -> dict[str, Any]:
    look = job.look
    return {
        "recording": str(path),
        "capture": None if captured is None else str(captured.path),
        "ended": job.ended,
        "driver": None if look.link is None else look.link.driver,
        "duration_s": round(job.recorded_s, 1),
        "samples": look.samples,
        "fs": look.fs,
        "rate_hz": None if look.pace is None else round(look.pace.rate_hz, 2),
        "missing": look.clock.missing,
        "gaps": look.clock.gap_count,
        "protocol_errors": look.errors,
        "battery_percent": look.charge.percent,
    }
