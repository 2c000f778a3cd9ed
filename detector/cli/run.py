"""`spasmwatch run`: watch tonight."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from detector.cli.invocation import DeviceOption, Invocation, RadioOption


class SourceName(StrEnum):
    """Where the samples come from."""

    BLE = "ble"
    SIMULATOR = "simulator"
    FILE = "file"


def run(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="For --source file or simulator: what to play."),
    ] = None,
    *,
    source: Annotated[SourceName, typer.Option(help="Where samples come from.")] = SourceName.BLE,
    device: DeviceOption = None,
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="When the night ends; default: Ctrl-C.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Times real time; file and simulator only.")
    ] = 1.0,
    scenario: Annotated[
        str, typer.Option(help="For --source simulator without a FILE; see `simulate`.")
    ] = "night",
    seed: Annotated[int, typer.Option(min=0, help="Of the scenario.")] = 1,
    radio: RadioOption = None,
    no_mqtt: Annotated[bool, typer.Option("--no-mqtt", help="Tell nobody outside.")] = False,
) -> None:
    """Watch a sensor, write everything down, and tell the people you chose."""
    import asyncio

    from detector.cli.live import Wish, watch_night

    call = Invocation.of(ctx)
    settings = call.configuration({"sensor.device": device}).settings
    if source is SourceName.BLE and (speed != 1 or file is not None):
        raise typer.BadParameter("--speed and FILE go with --source simulator or file")
    if source is SourceName.FILE and file is None:
        raise typer.BadParameter("--source file needs a FILE to play")
    wish = Wish(source.value, file, speed, scenario, seed, radio)
    zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
    end = None if until is None else _next(until, datetime.now(zone).astimezone(zone))
    asyncio.run(watch_night(call.out, settings, wish, until=end, mqtt=not no_mqtt))


def _next(clock_time: str, now: datetime) -> datetime:
    """Return the next moment at which the clock shows HH:MM."""
    try:
        moment = datetime.combine(now.date(), time.fromisoformat(clock_time), now.tzinfo)
    except ValueError:
        raise typer.BadParameter(f"--until is a time such as 07:30, not {clock_time!r}") from None
    return moment if moment > now else moment + timedelta(days=1)
