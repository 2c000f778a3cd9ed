"""`spasmwatch simulate`: a virtual sensor, or a simulated recording with its truth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from detector.cli.detect import UnitName
from detector.cli.invocation import Invocation
from detector.cli.output import Output
from detector.sites import Site
from detector.words.phrases import length

if TYPE_CHECKING:
    from detector.cli.simulated import Wanted

EngineName = Literal["reflex", "pulse", "both"]
RATIO = 0.3  # a movement that clearly stands out: the signal note's first step
EVERY_S = 60.0


def simulate(
    ctx: typer.Context,
    traces: Annotated[
        list[Path] | None, typer.Argument(metavar="[TRACE.npz…]", help="Recordings to play.")
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option(
            help="What to simulate without a TRACE.", show_default="night; clonus with --into"
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Say which scenarios there are.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    duration: Annotated[
        float | None, typer.Option(min=1, metavar="S", help="Seconds; default: as is usual.")
    ] = None,
    site: Annotated[
        Site | None, typer.Option(help="Where the sensor is worn.", show_default="ankle")
    ] = None,
    fs: Annotated[
        float | None, typer.Option(metavar="HZ", help="Samples a second.", show_default="52")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="What makes a clonus.")] = "both",
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.npz", help="Write it with its truth, and end."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="RECORDING", help="Put the movements into a copy of a real one."),
    ] = None,
    ratio: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100,
            help="With --into: what is there against a movement, rms.",
            show_default=f"{RATIO}",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            min=20, metavar="S", help="With --into: one in so long.", show_default=f"{EVERY_S:g}"
        ),
    ] = None,
    unit: Annotated[
        UnitName | None, typer.Option(help="With --into: unit, where the file does not say it.")
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
    off when its trace was played. Everything here is simulated; no person was recorded, unless
    --into puts simulated movements into a recording of yours.
    """
    from detector.cli.simulated import VERITY_HZ, Wanted, make_trace, save_trace

    out = Invocation.of(ctx).out
    if list_:
        _list(out)
        return
    for wrong, needed in (
        ("--into needs --out: it writes a copy", into is not None and out_file is None),
        ("--ratio, --every and --unit go with --into", _any(ratio, every, unit) and into is None),
        ("--duration does not go with --into", duration is not None and into is not None),
        ("a TRACE is played: leave out --out, --into and --scenario",
         bool(traces) and _any(out_file, into, scenario)),
    ):  # fmt: skip
        if needed:
            raise typer.BadParameter(wrong)
    if into is not None and out_file is not None:
        wanted = Wanted(
            scenario=scenario or "clonus",
            background_ratio=RATIO if ratio is None else ratio,
            every_s=EVERY_S if every is None else every,
            seed=seed,
            site=site,
            engine=engine,
            fs=fs,
            unit=unit,
        )
        _put_into(out, into, wanted, out_file)
        return
    with tempfile.TemporaryDirectory(prefix="spasmwatch-") as folder:
        paths = traces or []
        if not paths:
            name = scenario or "night"
            trace = make_trace(
                name,
                seed=seed,
                duration_s=duration,
                fs=VERITY_HZ if fs is None else fs,
                site=site or "ankle",
                engine=engine,
            )
            paths = [out_file or Path(folder) / f"{name}-{seed}.npz"]
            save_trace(trace, paths[0])
            if out_file is not None:
                out.say(
                    f"{out_file}: {length(trace.duration_s)} of {name!r}, seed {seed}, "
                    f"{_events(len(trace.truth), out_file)}"
                )
                return
        words = ["--listen", listen, "--speed", str(speed), "--model", model]
        words += [] if sensors is None else ["--sensors", str(sensors)]
        words += [word for moment in drop or [] for word in ("--drop", moment)]
        raise typer.Exit(_serve(out, paths, words, speed))


def _any(*values: object) -> bool:
    return any(value is not None for value in values)


def _list(out: Output) -> None:
    from detector.cli.simulated import scenarios

    for each in scenarios():
        usual = "a night" if each["usual_s"] is None else length(each["usual_s"])
        line = f"{each['scenario']:<21} {each['about']} ({usual})"
        out.data(json.dumps(each) if out.json else line)


def _put_into(out: Output, recording: Path, wanted: Wanted, target: Path) -> None:
    from detector.cli.simulated import put_into

    done = put_into(recording, wanted, target)
    out.say(
        f"{target}: {recording.name}, {length(done.duration_s)}, with {wanted.scenario!r}, seed "
        f"{wanted.seed}, {_events(done.put_in, target)}"
    )
    if done.left_out:
        out.say(
            f"{done.left_out} more found no place: a gap, the end, or too lively a stretch. What "
            "happened in the recording by itself is not in the truth"
        )


def _events(count: int, path: Path) -> str:
    return f"{count} simulated events in {path.stem}_events.tsv beside it"


def _serve(out: Output, paths: list[Path], words: list[str], speed: float) -> int:
    """Play traces on a virtual radio until they are over; return the exit code."""
    import asyncio

    from detector.cli.simulated import checked
    from firmware_sim.child import running_air

    async def serve() -> int:
        async with running_air(*(str(checked(path)) for path in paths), *words) as air:
            out.say(f"On the air at {air.address}. Watch it with:")
            out.say(f"  spasmwatch run --source simulator --radio {air.address} --speed {speed:g}")
            async for event in air.events():
                out.data(json.dumps(event) if out.json else _line(event))
            return await air.wait()

    return asyncio.run(serve())


def _line(event: dict[str, Any]) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in event.items() if key != "event")
    return f"{event['event']}: {facts}"
