"""`spasmwatch watchdog`: a second process that alarms when `run` hangs or dies."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError


def watchdog(
    ctx: typer.Context,
    *,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Run this too at each alarm, with the sentence as its last argument.",
        ),
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Watch over a simulated night, as a test.")
    ] = False,
    no_sound: Annotated[bool, typer.Option("--no-sound", help="Make no sound.")] = False,
) -> None:
    """Alarm when `run` on this computer hangs or dies: a sound, a line, and a command if you like.

    It needs no broker: it reads the heartbeat that `run` leaves in memory, for the same data
    folder. Ctrl-C ends it.
    """
    from detector.supervision.heartbeat import heartbeat_places

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    try:
        if command is not None and not shlex.split(command):
            raise ValueError("it is empty")
    except ValueError as error:
        raise UsageError(f"not a command ({error})", param_hint="--command") from None
    folder = settings.data_dir
    if simulated:
        from detector.events import Origin
        from detector.service.persistence.places import DataFolder

        folder = DataFolder.of(folder, Origin.SIMULATED).folder
    words = [str(each) for each in heartbeat_places(folder, os.environ)]
    words += ["--folder", str(folder)]
    words += ["--silent"] if no_sound or not settings.alerts.sound else []
    if settings.alerts.sound_command is not None:
        words += ["--sound-command", settings.alerts.sound_command]
    words += [] if command is None else ["--command", command]
    words += ["--json"] if call.out.json else []
    sys.stdout.flush()
    # It becomes the small program, which loads nothing that the service could hang in.
    program = [sys.executable, "-P", "-m", "detector.supervision.watchdog", *words]
    os.execv(sys.executable, program)  # noqa: S606 - our own interpreter
