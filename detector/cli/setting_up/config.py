"""`spasmwatch config`: show the settings, where each came from, and whether they are valid."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

app = typer.Typer(no_args_is_help=True, help="Show and check the settings.")


@app.command()
def show(
    ctx: typer.Context,
    origin: Annotated[
        bool, typer.Option("--origin", help="Also show where each value comes from.")
    ] = False,
) -> None:
    """Show every setting in use; secrets are masked."""
    call = Invocation.of(ctx)
    rows = list(call.configuration().rows())
    if call.out.json:
        values = {key: {"value": v, "origin": o} if origin else v for key, v, o in rows}
        call.out.data(json.dumps(values, ensure_ascii=False))
        return
    for key, value, where in rows:
        shown = "not set" if value is None else json.dumps(value, ensure_ascii=False)
        call.out.data(f"{key} = {shown}" + (f"   # {where}" if origin else ""))


@app.command(short_help="Check the settings, and the files that they name.")
def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Check the settings and the files that they name, and list everything that is wrong."""
    from detector.config import check_command, default_path
    from detector.errors import ConfigError
    from detector.mqtt.credentials import credential_problems, exposed_key, followed_problems

    if file is not None:
        other = quote(str(file))
        raise UsageError(f"To check another file: {program_name()} -c {other} config check")
    call = Invocation.of(ctx)
    configuration = call.configuration()
    options = configuration.settings.mqtt
    problems = credential_problems(options)
    problems += followed_problems(configuration.settings.follow)
    if configuration.settings.contact:
        from detector.push.services import address_problem

        settings = configuration.settings
        found = [address_problem(contact, settings) for contact in settings.contact]
        problems += [problem for problem in found if problem is not None]
    if problems:
        where = configuration.path or default_path()
        listing = "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(
            f"What {where} names cannot be used:\n{listing}\n"
            f"Correct that, then run: {check_command(where)}"
        )
    if call.out.json:
        path = None if configuration.path is None else str(configuration.path)
        call.out.data(json.dumps({"valid": True, "path": path}))
    else:
        none = f"Valid: no settings file at {default_path()}, so the defaults are used."
        call.out.data(none if configuration.path is None else f"{configuration.path}   valid")
    if not configuration.settings.alerts.wake_for:
        call.out.say("Note: wake_for is empty, so no spasm will raise an alert.")
    exposed = exposed_key(options)
    if exposed is not None:
        call.out.say(f"Note: {exposed}")


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the settings file is, or would be."""
    from detector.config import default_path

    call = Invocation.of(ctx)
    place = call.config_path or default_path()
    call.out.data(json.dumps({"path": str(place)}) if call.out.json else str(place))
