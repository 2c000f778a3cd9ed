"""`spasmwatch doctor`: check what a night needs; name a command that corrects each failure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from detector.terminal.invocation import (
    Invocation,
    RadioOption,
    SpeedOption,
    as_called,
    program_name,
)

if TYPE_CHECKING:
    from detector.doctor.check import CheckResult
    from detector.doctor.examination import Examination
    from detector.sources.look import Look
    from detector.terminal.output import Output

SCHEMA = "doctor/1"
NAME_WIDTH = 22


def doctor(
    ctx: typer.Context,
    *,
    share: Annotated[
        bool,
        typer.Option("--share", help="Mask addresses, names and secrets, so that it can be sent."),
    ] = False,
    look: Annotated[
        float,
        typer.Option(
            min=0, max=600, metavar="S", help="Seconds of samples to look at; 0 skips the sensor."
        ),
    ] = 10.0,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME|ADDRESS", help="Check this sensor, not the one in settings."),
    ] = None,
    radio: RadioOption = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Check what a night needs; each failure names its remedy.

    Exits with 1 if anything failed. With --json one object: schema, checks (each name, status of
    ok, warn, FAIL or skip, detail, fix), counts by status.
    """
    import asyncio

    from detector.cli.night.simulated import reach_over
    from detector.doctor.check import CheckStatus
    from detector.doctor.examination import Examination
    from detector.doctor.masking import Mask

    call = Invocation.of(ctx)
    out, mask = call.out, Mask()
    hide = mask if share else str
    examination = Examination(
        read_settings=call.configuration,
        config_path=call.config_path,
        data_dir=call.data_dir,
        reach=reach_over(radio, speed),
        look_s=look,
        device=device,
        mask=mask,
        shares=share,
    )
    done = asyncio.run(_shown(out, examination, hide))
    counts = Counter(check.status for check in done)
    if out.json:
        totals = {status.value: counts[status] for status in CheckStatus}
        checks = [check_fields(one, hide) for one in done]
        out.data(json.dumps({"schema": SCHEMA, "checks": checks, "counts": totals}))
    else:
        order = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.OK, CheckStatus.SKIP)
        out.data("   ".join(f"{status} {counts[status]}" for status in order if counts[status]))
        if not share:
            out.say(f"To send this to somebody: {program_name()} doctor --share   (masked)")
    if counts[CheckStatus.FAIL]:
        raise typer.Exit(1)


async def _shown(
    out: Output, examination: Examination, hide: Callable[[str], str]
) -> list[CheckResult]:
    """Run the checks, write each as it is found, and return them all."""
    from contextlib import ExitStack

    from detector.doctor.examination import Looking
    from detector.sources.look import STRIP
    from detector.terminal.output import live_line, strip

    done: list[CheckResult] = []
    draw: Callable[[str], None] = out.say

    def progress(look: Look) -> None:
        draw(f"{strip(look.strip):<{STRIP}}  {look.samples} samples")

    with ExitStack() as line:
        async for found in examination.checks(progress):
            line.close()  # the line that was redrawn during a look at the sensor
            if isinstance(found, Looking):
                out.say(hide(f"Looking at {found.which}: {found.seconds:g} seconds of samples …"))
                draw = line.enter_context(live_line(out))
                draw("listening …")
                continue
            done.append(found)
            if not out.json:
                for text in check_lines(found, hide):
                    out.data(text)
    return done


def check_lines(check: CheckResult, mask: Callable[[str], str] = str) -> list[str]:
    """Return a check as lines: status, name, finding; below it the command that corrects it."""
    written = [f" {check.status:<5} {check.name:<{NAME_WIDTH}} {mask(as_called(check.detail))}"]
    if check.fix:
        written.append(f"{'':<{NAME_WIDTH + 8}}fix: {mask(as_called(check.fix))}")
    # A sensor's name comes from outside: it must not imitate another check on a line of its own.
    return [line.replace("\n", "�") for line in written]


def check_fields(check: CheckResult, mask: Callable[[str], str] = str) -> dict[str, str | None]:
    """Return a check as --json prints it; stable: name, status, detail, fix."""
    return {
        "name": check.name,
        "status": check.status.value,
        "detail": mask(as_called(check.detail)),
        "fix": None if check.fix is None else mask(as_called(check.fix)),
    }
