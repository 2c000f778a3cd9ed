"""`spasmwatch setup`: choose a sensor and where it is worn, write both into the settings."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.setting_up.setup_tls import tls
from detector.terminal.invocation import (
    Invocation,
    RadioOption,
    SpeedOption,
    UsageError,
    program_name,
)
from detector.words.phrases import NOTICE

if TYPE_CHECKING:
    from detector.config import SensorSettings, Settings
    from detector.config.settings_file import Change
    from detector.config.worn import WornAnswer
    from detector.sources.look import Look
    from detector.sources.nearby import NearbyDevice
    from detector.terminal.output import Output

NO_ANSWER = (
    "\nNo answer came. Nothing was changed. In a script: "
    "{program} setup --non-interactive --device ADDRESS --placement ankle"
)


app = typer.Typer(invoke_without_command=True)


@app.callback()
def setup(
    ctx: typer.Context,
    *,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME|ADDRESS", help="Use this sensor, without asking; see `scan`."),
    ] = None,
    placement: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help='Worn there, without asking: "ankle", "left calf".'),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add one more sensor of the same person: the other leg.")
    ] = False,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing; needs --device and --placement.")
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Ask on a page in this computer's browser, then watch."),
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, max=300, metavar="S", help="Seconds to listen.")
    ] = 10.0,
    radio: RadioOption = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Choose your sensor, and write it into the settings.

    It listens, connects, and looks at the samples. The sensor is remembered by its address, so
    that another of the same name is never used. Comments in the settings file stay, and the old
    file is kept beside it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from detector.cli.night.simulated import reach_over
    from detector.cli.setting_up.questions import Visit, ask, free_place, where_question
    from detector.config import SensorSettings, default_path
    from detector.config.worn import parse_worn

    call = Invocation.of(ctx)
    if non_interactive and (device is None or placement is None):
        raise UsageError("--non-interactive needs --device and --placement")
    if page and (device, placement, add, non_interactive) != (None, None, False, False):
        raise UsageError("--page asks by itself: leave out --device, --placement, --add and others")
    try:
        worn = None if placement is None else parse_worn(placement)
    except ValueError as error:
        raise UsageError(str(error), param_hint="--placement") from None
    path = call.config_path or default_path()
    _check_folder(path.absolute().parent)
    settings = call.configuration().settings if path.exists() else None
    if add and (settings is None or settings.sensor.device is None):
        raise UsageError("--add is for a second sensor: choose the first by setup without it")
    now = SensorSettings() if settings is None or add else settings.sensor
    zone = None if settings is None else settings.wearer.zone
    reach = reach_over(radio, speed, now.adapter)
    if page:
        _on_page(ctx, path, settings, timeout_s=timeout, radio=radio, speed=speed)
        return
    taken = settings.sensors if add and settings is not None else ()
    visit = Visit(call.out, reach, timeout, now, zone, asks=not non_interactive, taken=taken)
    call.out.say(NOTICE)
    try:
        chosen = visit.choose(device)
        if chosen is None:
            _demo(ctx)
            return
        found, look = chosen
        if worn is None:
            worn = ask(
                call.out,
                where_question(now),
                lambda text: free_place(parse_worn(text or now.placement), taken),
            )
        else:
            worn = free_place(worn, taken)
    except ValueError as error:
        raise UsageError(str(error), param_hint="--placement") from None
    except EOFError:
        call.out.error(NO_ANSWER.format(program=program_name()))
        raise typer.Exit(2) from None
    except (KeyboardInterrupt, typer.Abort):
        call.out.error("\nNothing was changed.")
        raise typer.Exit(1) from None
    _write(call.out, _Choice(path, now, found, worn, look, add=add))


def _on_page(
    ctx: typer.Context,
    path: Path,
    settings: Settings | None,
    *,
    timeout_s: float,
    radio: str | None,
    speed: float,
) -> None:
    """Have the settings made on a page, then watch with them."""
    import asyncio

    from detector.cli.night.run import run
    from detector.cli.night.simulated import reach_over
    from detector.cli.setting_up.setup_page import PageVisit, first_settings
    from detector.config import usable_settings

    call = Invocation.of(ctx)
    adapter = None if settings is None else settings.sensor.adapter
    data_dir = usable_settings(path, flags={"data_dir": call.data_dir}).data_dir
    reach = reach_over(radio, speed, adapter)
    call.out.say(NOTICE)
    try:
        asyncio.run(first_settings(PageVisit(call.out, reach, path, settings, data_dir, timeout_s)))
    except KeyboardInterrupt:
        call.out.error("\nEnded before the night began.")
        raise typer.Exit(1) from None
    run(ctx, radio=radio, speed=speed)


@dataclass(frozen=True, slots=True)
class _Choice:
    path: Path
    now: SensorSettings
    found: NearbyDevice
    worn: WornAnswer
    look: Look
    add: bool


app.command(short_help="Make certificates, passwords and keys for a broker.")(tls)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that the settings cannot be written into, before anything is asked."""
    from detector.doctor.probes import folder as probe
    from detector.errors import StorageError

    problem = probe(folder).problem
    if problem is not None:
        raise StorageError(f"{folder}: {problem}. The settings go there; or choose: -c FILE")


def _demo(ctx: typer.Context) -> None:
    from detector.cli.night.demo import SPEED, demo

    later = f"When you have a sensor: {program_name()} setup"
    Invocation.of(ctx).out.say(f"Nothing was changed. {later}\n")
    demo(ctx, speed=SPEED, seed=1)


def _write(out: Output, choice: _Choice) -> None:
    from detector.config import default_path, read_configuration
    from detector.config.settings_file import change_section
    from detector.config.worn import new_label, sensor_values

    now, found, worn = choice.now, choice.found, choice.worn
    label = new_label(now, worn)
    values, remarks = sensor_values(
        now, worn, address=found.address, name=found.name, driver=found.driver
    )
    change = change_section(
        choice.path,
        "another_sensor" if choice.add else "sensor",
        values,
        remarks,
        lambda draft: read_configuration(draft, environ={}),
        another=choice.add,
    )
    if out.json:
        out.data(json.dumps(_plain(change, choice, label or now.label)))
    _say_changed(out, change)
    for key in values:
        variable = f"SPASMWATCH_SENSOR__{key.upper()}"
        if variable in os.environ and not choice.add:
            out.say(
                f"The variable {variable} overrides the file. To use the file: unset {variable}"
            )
    usual = change.path == default_path()
    program = program_name() + ("" if usual else f" -c {shlex.quote(str(change.path))}")
    out.say(f"Next: {program} run      (from time to time: {program} doctor)")


def _plain(change: Change, choice: _Choice, label: str) -> dict[str, Any]:
    look = choice.look
    return {
        "path": str(change.path),
        "backup": None if change.backup is None else str(change.backup),
        "changed": change.changed,
        "sensor": {
            "device": choice.found.address,
            "name": choice.found.name,
            "driver": choice.found.driver,
            "placement": choice.worn.placement,
            "label": label,
        },
        "look": {
            "samples": look.samples,
            "fs": look.fs,
            "rate_hz": None if look.pace is None else round(look.pace.rate_hz, 2),
            "missing": look.clock.missing,
            "battery_percent": look.charge.percent,
        },
    }


def _say_changed(out: Output, change: Change) -> None:
    path = shlex.quote(str(change.path))
    if not change.changed:
        out.say(f"{change.path} has these settings already: nothing was changed.")
    elif change.backup is None:
        out.say(f"Written: {change.path}      Undo: rm {path}")
    else:
        out.say(f"Written: {change.path}; the old file is kept.")
        out.say(f"Undo: mv {shlex.quote(str(change.backup))} {path}")
