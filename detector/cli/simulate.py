"""`spasmwatch simulate`: a virtual sensor, or a simulated recording with its truth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from detector.cli.invocation import Invocation
from detector.cli.words import length


def simulate(
    ctx: typer.Context,
    traces: Annotated[
        list[Path] | None, typer.Argument(metavar="[TRACE.npz…]", help="Recordings to play.")
    ] = None,
    *,
    scenario: Annotated[str, typer.Option(help="What to simulate without a TRACE.")] = "night",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    duration: Annotated[
        float | None, typer.Option(min=1, metavar="S", help="Seconds; default: as is usual.")
    ] = None,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.npz", help="Write it with its truth, and end."),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="Times real time.")] = 1.0,
    sensors: Annotated[int | None, typer.Option(min=1, max=200, help="How many.")] = None,
    model: Annotated[
        str, typer.Option(help="polar-verity-sense or polar-h10.")
    ] = "polar-verity-sense",
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="AT:FOR", help="Lose the link at this second, for so long."),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="unix:PATH or tcp:127.0.0.1:PORT.")
    ] = "tcp:127.0.0.1:0",
) -> None:
    """Be a virtual sensor, or write a simulated recording with its truth.

    The sensor lives on a virtual radio, for `run --radio` and `scan --radio`, and switches itself
    off when its trace was played. Everything here is simulated; no person was recorded.
    """
    import asyncio

    from detector.cli.simulated import checked, make_trace, save_trace
    from firmware_sim.child import running_air

    out = Invocation.of(ctx).out
    if out_file is not None:
        trace = make_trace(scenario, seed=seed, duration_s=duration)
        save_trace(trace, out_file)
        out.say(
            f"{out_file}: {length(trace.duration_s)} of {scenario!r}, seed {seed}, "
            f"{len(trace.truth)} simulated events in {out_file.stem}_events.tsv beside it"
        )
        return

    async def serve(paths: list[Path]) -> int:
        words = ["--listen", listen, "--speed", str(speed), "--model", model]
        words += [] if sensors is None else ["--sensors", str(sensors)]
        words += [word for moment in drop or [] for word in ("--drop", moment)]
        async with running_air(*map(str, paths), *words) as air:
            out.say(f"On the air at {air.address}. Watch it with:")
            out.say(f"  spasmwatch run --source simulator --radio {air.address} --speed {speed:g}")
            async for event in air.events():
                out.data(json.dumps(event) if out.json else _line(event))
            return await air.wait()

    with tempfile.TemporaryDirectory(prefix="spasmwatch-") as folder:
        paths = [checked(path) for path in traces or []]
        if not paths:
            paths = [Path(folder) / f"{scenario}-{seed}.npz"]
            save_trace(make_trace(scenario, seed=seed, duration_s=duration), paths[0])
        raise typer.Exit(asyncio.run(serve(paths)))


def _line(event: dict[str, Any]) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in event.items() if key != "event")
    return f"{event['event']}: {facts}"
