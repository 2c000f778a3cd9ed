"""`spasmwatch demo`: everything in a minute, without a sensor."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.terminal.invocation import FASTEST, INTERRUPTED, Invocation, program_name

SPEED = 12.0  # eight minutes in forty seconds: slow enough to read along


def demo(
    ctx: typer.Context,
    *,
    speed: Annotated[
        float,
        typer.Option(
            min=1, max=FASTEST, metavar="X", help=f"Times real time, {FASTEST:g} at most."
        ),
    ] = SPEED,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed, another night.")] = 1,
) -> None:
    """See everything with a simulated sensor, in a minute."""
    import asyncio
    import shutil

    from detector.cli.night.demo_night import show

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    folder = settings.data_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)  # of the last demo; real nights are stored elsewhere
    folder.mkdir(parents=True)
    own_broker = settings.mqtt.model_copy(update={"broker": "auto"})  # whatever a night has
    demo_settings = settings.model_copy(update={"data_dir": folder, "mqtt": own_broker})
    try:
        code = asyncio.run(show(call.out, demo_settings, folder, speed=speed, seed=seed))
    except KeyboardInterrupt:
        call.out.say(
            f"\nThe demo was ended before its end. To see all of it: {program_name()} demo"
        )
        code = INTERRUPTED
    raise typer.Exit(code)
