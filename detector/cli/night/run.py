"""`spasmwatch run`: watch tonight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.recordings.simulate import check_scenario
from detector.terminal.invocation import (
    FASTEST,
    INTERRUPTED,
    DeviceOption,
    Invocation,
    RadioOption,
    UsageError,
    program_name,
)
from detector.terminal.output import Output

if TYPE_CHECKING:
    from detector.config import Settings

NO_SETTINGS = (
    "No settings yet in {path}: the first sensor that is heard is watched. To choose yours, in a "
    "browser: {program} setup --page"
)

FASTEST_FILE = 1000.0  # a file is not bound to a radio: an hour in 4 s


class SourceName(StrEnum):
    """Kind of source of the samples."""

    BLE = "ble"
    SIMULATOR = "simulator"
    FILE = "file"


class ViewName(StrEnum):
    """How a night is shown."""

    AUTO = "auto"
    LIVE = "live"
    PLAIN = "plain"


def run(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Recording to play; with --source file or simulator."),
    ] = None,
    *,
    source: Annotated[
        SourceName | None,
        typer.Option(help="Where samples come from.", show_default="ble; simulator with --radio"),
    ] = None,
    device: DeviceOption = None,
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="When the night ends; default: Ctrl-C.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=FASTEST_FILE,
            metavar="X",
            help=f"Times real time: a file up to {FASTEST_FILE:g}, a simulated sensor up to "
            f"{FASTEST:g}, a real one 1.",
        ),
    ] = 1.0,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For --source simulator without a FILE; see `simulate --list`.",
            show_default="night",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of the scenario: another seed, another night.")
    ] = 1,
    radio: RadioOption = None,
    view: Annotated[
        ViewName,
        typer.Option(
            help="live: the present state under the lines, redrawn, with single keys; plain: "
            "lines alone. auto: live on a terminal, unless --plain, --json or --quiet."
        ),
    ] = ViewName.AUTO,
    no_mqtt: Annotated[bool, typer.Option("--no-mqtt", help="Publish nothing by MQTT.")] = False,
    keep_page: Annotated[
        bool,
        typer.Option(
            "--keep-page",
            help="Where the night cannot begin, show why on the page until that is mended, then "
            "begin; as a service it does so by itself.",
        ),
    ] = False,
) -> None:
    """Watch a sensor all night and raise alerts, on this screen and by MQTT.

    Everything is recorded and written down. Detection is automatic and sometimes wrong: this is
    not a medical device.
    """
    import asyncio

    from detector.cli.night.live import Wish, watch_night
    from detector.cli.night.not_begun import Attempt, patience_s, watched
    from detector.config import default_path

    call = Invocation.of(ctx)
    kind = source or (SourceName.BLE if radio is None else SourceName.SIMULATOR)
    _check(kind, file, speed, scenario, radio)
    wish = Wish(kind.value, file, speed, scenario or "night", seed, radio)
    shown_live = _is_live(view, call.out)

    def begin(begun: Callable[[], None]) -> int:
        settings = _settings(call, device, mqtt=not no_mqtt)
        zone = settings.wearer.zone
        end = None if until is None else _next(until, datetime.now(zone).astimezone(zone))
        night = watch_night(
            call.out, settings, wish, until=end, mqtt=not no_mqtt, live=shown_live, begun=begun
        )
        return asyncio.run(night)

    attempt = Attempt(
        call.config_path or default_path(),
        call.data_dir,
        check=lambda: _settings(call, device, mqtt=not no_mqtt),
        begin=begin,
        patience_s=patience_s(keep=keep_page),
    )
    chosen = device is not None or call.config_path is not None
    if kind is SourceName.BLE and not chosen and not attempt.path.exists():
        call.out.say(NO_SETTINGS.format(path=attempt.path, program=program_name()))
    try:
        code = watched(attempt, call.out)
    except KeyboardInterrupt:  # from when it begins, Ctrl-C ends the night
        call.out.say("\nEnded before the night began: nothing was watched.")
        raise typer.Exit(INTERRUPTED) from None
    if code:
        raise typer.Exit(code)


def _settings(call: Invocation, device: str | None, *, mqtt: bool) -> Settings:
    """Return the settings, once what they name was found to be usable."""
    from detector.service.presentation.caregivers_page import where_of

    settings = call.configuration({"sensor.device": device}).settings
    if device is not None:  # the name in the settings may be another sensor's
        unnamed = settings.sensor.model_copy(update={"name": None})
        settings = settings.model_copy(update={"sensor": unnamed})
    if mqtt and settings.mqtt.broker != "none":
        settings.mqtt.secret()  # raises where its file cannot be used, before anything starts
    if settings.web.enabled:
        where_of(settings).tls()  # the same of the page's certificate
    return settings


def _is_live(view: ViewName, out: Output) -> bool:
    """Return whether the view is redrawn; UsageError where that was asked for and cannot be."""
    if view is ViewName.LIVE and not out.redraws:
        raise UsageError("--view live needs a terminal, without --plain, --json and --quiet")
    return view is not ViewName.PLAIN and out.redraws


def _check(
    kind: SourceName, file: Path | None, speed: float, scenario: str | None, radio: str | None
) -> None:
    """Refuse options that do not go together, before anything starts."""
    simulated = kind is SourceName.SIMULATOR
    for wrong, found in (
        ("--speed goes with --source simulator or --source file: a real sensor has its own speed",
         kind is SourceName.BLE and speed != 1),
        ("a FILE needs --source file, or --source simulator for a virtual sensor that plays it",
         kind is SourceName.BLE and file is not None),
        ("--source file needs a FILE to play", kind is SourceName.FILE and file is None),
        ("--radio is a virtual radio: it goes with --source simulator",
         radio is not None and not simulated),
        ("--radio has its own sensors: leave out FILE and --scenario",
         radio is not None and (file is not None or scenario is not None)),
        ("--scenario goes with --source simulator, without a FILE",
         scenario is not None and (not simulated or file is not None)),
        (f"a simulated sensor keeps up with --speed {FASTEST:g} at most; --source file is faster",
         simulated and speed > FASTEST),
    ):  # fmt: skip
        if found:
            raise UsageError(wrong)
    check_scenario(scenario)
    if radio is not None:
        from detector.cli.night.simulated import check_address

        check_address("--radio", radio)


def _next(clock_time: str, now: datetime) -> datetime:
    """Return the next moment at which the clock shows HH:MM."""
    try:
        moment = datetime.combine(now.date(), time.fromisoformat(clock_time), now.tzinfo)
    except ValueError:
        raise UsageError(
            f"{clock_time!r} is not a time of day: write it like 07:30", param_hint="--until"
        ) from None
    return moment if moment > now else moment + timedelta(days=1)
