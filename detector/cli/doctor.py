"""`spasmwatch doctor`: what stands in a good night's way, and the command that takes it out."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.invocation import Invocation, RadioOption, SpeedOption

if TYPE_CHECKING:
    from detector.checkup.check import CheckResult

SCHEMA = "doctor/1"


def doctor(
    ctx: typer.Context,
    *,
    share: Annotated[
        bool, typer.Option("--share", help="Mask addresses, names and secrets, to be sent on.")
    ] = False,
    look: Annotated[
        float, typer.Option(min=0, max=600, metavar="S", help="Seconds of samples; 0: no sensor.")
    ] = 10.0,
    device: Annotated[
        str | None, typer.Option(metavar="NAME|ADDRESS", help="Another sensor than the settings'.")
    ] = None,
    radio: RadioOption = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Check all that a night needs; what fails ends in the command that fixes it.

    Ends with 1 if anything failed. With --json one object: schema, checks (each name, status of
    ok, warn, FAIL or skip, detail, fix), counts by status.
    """
    from detector.checkup.check import CheckStatus
    from detector.checkup.masking import Mask
    from detector.cli.check_lines import lines, plain
    from detector.cli.examination import Examination
    from detector.cli.reach import Reach

    call = Invocation.of(ctx)
    out, reach, mask = call.out, Reach(radio, speed), Mask()
    hide = mask if share else str
    done: list[CheckResult] = []
    for check in Examination(call, reach, look, device, mask, share).checks():
        done.append(check)
        if not out.json:
            for line in lines(check, hide):
                out.data(line)
    counts = Counter(check.status for check in done)
    if out.json:
        totals = {status.value: counts[status] for status in CheckStatus}
        body = {"schema": SCHEMA, "checks": [plain(one, hide) for one in done], "counts": totals}
        out.data(json.dumps(body))
    else:
        order = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.OK, CheckStatus.SKIP)
        out.data("   ".join(f"{status} {counts[status]}" for status in order if counts[status]))
        if not share:
            out.say("To send this to somebody: spasmwatch doctor --share   (masked)")
    if counts[CheckStatus.FAIL]:
        raise typer.Exit(1)
