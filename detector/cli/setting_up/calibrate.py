"""`spasmwatch calibrate`: three minutes in which a worn sensor shows what it measures."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.recordings.record import parse_duration
from detector.cli.setting_up.doctor import check_fields, check_lines
from detector.errors import LinkError, ServiceError
from detector.terminal.invocation import (
    DeviceOption,
    Invocation,
    RadioOption,
    SpeedOption,
    UsageError,
    program_name,
)
from detector.words.phrases import NOTICE, length, sentence

if TYPE_CHECKING:
    from detector.block import Samples
    from detector.devices.stream import Reading
    from detector.doctor.calibration import RestAndMovement
    from detector.sources.look import Look
    from detector.sources.reach import Reach
    from detector.terminal.output import Advance, Output

SCHEMA = "calibration/1"


def calibrate(
    ctx: typer.Context,
    *,
    rest: Annotated[
        str, typer.Option(metavar="TIME", help="How long to lie still: 2min, 90s.")
    ] = "2min",
    move: Annotated[str, typer.Option(metavar="TIME", help="How long to move as in bed.")] = "1min",
    device: DeviceOption = None,
    radio: RadioOption = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Lie still for two minutes, then move for one: it says in words what the sensor measures.

    Noise, scale, how the sensor lies, and how ordinary movement compares. Nothing is stored or
    changed, and nobody is asked to bring on a spasm. Exits with 1 where the sensor cannot be used
    so. With --json one object: schema, checks as of `doctor`, and the numbers.
    """
    import asyncio

    from detector.cli.night.simulated import reach_over
    from detector.doctor.calibration import calibrated, check_calibration
    from detector.doctor.check import CheckStatus
    from detector.doctor.sensor import check_loss, check_rate
    from detector.supervision.present import present

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    lengths = []
    for option, text in (("--rest", rest), ("--move", move)):
        try:
            lengths.append(parse_duration(text))
        except ValueError as error:
            raise UsageError(str(error), param_hint=option) from None
    if radio is None and present(settings.data_dir, os.environ).runs:
        raise ServiceError(
            "A night runs, and its sensor serves one listener at a time: stop it first."
        )
    sensor = settings.sensor_called(device)
    reach = reach_over(radio, speed, sensor.adapter)
    which = (sensor.device, sensor.driver, sensor.name)
    session = _Session(call.out, lengths[0], lengths[1])
    look, why = asyncio.run(session.run(reach, which))
    if look.fs is None or not look.samples:
        reason = look.refused or why or "the sensor was not heard"
        raise LinkError(f"Nothing was measured: {sentence(reason)} Help: {program_name()} doctor")
    found = calibrated(session.still, session.moving, look.fs)
    checks = [*check_calibration(found), check_rate(look), check_loss(look)]
    if call.out.json:
        call.out.data(json.dumps(_plain(found, [check_fields(each) for each in checks])))
    else:
        for check in checks:
            for line in check_lines(check):
                call.out.data(line)
        call.out.say(NOTICE)
    if any(check.status is CheckStatus.FAIL for check in checks):
        raise typer.Exit(1)


class _Session:
    """Samples of the two phases, told apart by the sensor's own clock."""

    def __init__(self, out: Output, rest_s: int, move_s: int) -> None:
        self._out, self._rest_s, self._move_s = out, rest_s, move_s
        self._parts: list[Samples] = []
        self._count = 0
        self._fs = 0.0
        self._said = 0
        self._shown_s = 0

    async def run(
        self, reach: Reach, which: tuple[str | None, str | None, str | None]
    ) -> tuple[Look, str]:
        """Look at the sensor for both phases; return what was seen, and what stood in the way."""
        device, driver, name = which
        total = self._rest_s + self._move_s
        self._out.say("Looking for the sensor. Ctrl-C ends it.")
        with self._out.progress("Measuring", total) as advance:
            return await reach.look(
                device,
                driver=driver,
                name=name,
                samples_s=float(total),
                enough=lambda _: bool(self._fs) and self._count >= total * self._fs,
                tell=lambda look, reading: self._take(look, reading, advance),
            )

    @property
    def still(self) -> Samples:
        """Samples of the first phase, (n, 3), g."""
        return self._all()[: round(self._rest_s * self._fs)]

    @property
    def moving(self) -> Samples:
        """Samples of the second phase; its first two seconds are of getting there."""
        return self._all()[round((self._rest_s + 2) * self._fs) :]

    def _all(self) -> Samples:
        import numpy as np

        return np.concatenate(self._parts) if self._parts else np.zeros((0, 3))

    def _take(self, look: Look, reading: Reading, advance: Advance) -> None:
        from detector.devices.profile import Chunk

        for output in reading.outputs:
            if isinstance(output, Chunk) and len(output.samples):
                self._parts.append(output.samples)
                self._count += len(output.samples)
        self._fs = look.fs or 0.0
        if not self._fs or not self._count:
            return
        reached_s = int(self._count / self._fs)
        if reached_s > self._shown_s:
            advance(reached_s - self._shown_s)
            self._shown_s = reached_s
        if self._said == 0:
            self._said = 1
            self._out.say(f"Lie as you sleep, and keep still for {length(self._rest_s)}.")
            self._out.bell()
        if self._said == 1 and reached_s >= self._rest_s:
            self._said = 2
            what = "turn over, bend the knee, move the foot"
            self._out.say(f"Now {what}, for {length(self._move_s)}.")
            self._out.bell()


def _plain(found: RestAndMovement, checks: list[dict[str, str | None]]) -> dict[str, object]:
    from dataclasses import asdict

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return round(value, 5)
        return [round(each, 4) for each in value] if isinstance(value, tuple) else value

    numbers = {name: rounded(value) for name, value in asdict(found).items()}
    return {"schema": SCHEMA, "checks": checks, **numbers}
