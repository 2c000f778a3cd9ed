"""`spasmwatch simulate`: a virtual sensor, or a simulated recording with its truth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from detector.cli.recordings.file_options import UnitName
from detector.sites import Site
from detector.terminal.invocation import (
    FASTEST,
    Invocation,
    UsageError,
    check_target,
    program_name,
)
from detector.terminal.output import Output
from detector.words.phrases import length

if TYPE_CHECKING:
    from firmware_sim.trace_files import Wanted

EngineName = Literal["reflex", "pulse", "both"]
ModelName = Literal[
    "polar-verity-sense", "polar-h10", "movesense", "openseizure", "witmotion", "microbit",
    "open-frame",
]  # fmt: skip
RATIO = 0.3  # a movement that clearly stands out from the recording
EVERY_S = 60.0


def simulate(
    ctx: typer.Context,
    traces: Annotated[
        list[Path] | None,
        typer.Argument(metavar="TRACE.npz…", help="Play these recordings.", show_default=False),
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Simulate this instead of playing a TRACE; see --list.",
            show_default="night; clonus with --into",
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the scenarios, and end.")] = False,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="The same seed gives the same bytes.")
    ] = 1,
    duration: Annotated[
        float | None,
        typer.Option(min=1, metavar="S", help="Seconds to simulate; default: see --list."),
    ] = None,
    site: Annotated[
        Site | None, typer.Option(help="Where the sensor is worn.", show_default="ankle")
    ] = None,
    fs: Annotated[
        float | None, typer.Option(metavar="HZ", help="Samples a second.", show_default="52")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Model that clonus is simulated with.")
    ] = "both",
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.npz", help="Write a recording with its truth, and end."
        ),
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
            metavar="X",
            help="With --into: rms of the recording over rms of a movement.",
            show_default=f"{RATIO}",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            min=20,
            metavar="S",
            help="With --into: seconds from one movement to the next, 20 or more.",
            show_default=f"{EVERY_S:g}",
        ),
    ] = None,
    unit: UnitName = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.1, max=FASTEST, metavar="X", help=f"Times real time, {FASTEST:g} at most."
        ),
    ] = 1.0,
    sensors: Annotated[
        int | None,
        typer.Option(
            min=1, max=200, metavar="N", help="Number of sensors.", show_default="one a trace"
        ),
    ] = None,
    model: Annotated[ModelName, typer.Option(help="Which sensor to be.")] = "polar-verity-sense",
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AT:FOR",
            help="Lose the link at this second, for so many; may be repeated.",
            show_default=False,
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="unix:PATH or tcp:127.0.0.1:PORT.")
    ] = "tcp:127.0.0.1:0",
) -> None:
    """Be a virtual sensor, or write a simulated recording.

    The sensor is on a virtual radio, for `run --radio` and `scan --radio`, and switches itself off
    when its trace has been played. Everything here is simulated; no person was recorded, unless
    --into puts simulated movements into a recording of yours.
    """
    from detector.cli.night.simulated import check_address
    from firmware_sim.faults import parse_drop
    from firmware_sim.trace_files import VERITY_HZ, ScenarioError, Wanted, make_trace, save_trace

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
            raise UsageError(wrong)
    check_scenario(scenario, into=into is not None, duration_s=duration)
    check_address("--listen", listen)
    for moment in drop or []:
        try:
            parse_drop(moment)
        except ValueError as error:
            raise UsageError(str(error), param_hint="--drop") from None
    check_target("--out", out_file, ".npz")
    try:
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
    except ScenarioError as error:
        raise UsageError(str(error)) from None


def check_scenario(
    name: str | None, *, into: bool = False, duration_s: float | None = None
) -> None:
    """Refuse a scenario that does not exist, is shorter, or cannot be put into a recording."""
    if name is None:
        return
    from difflib import get_close_matches

    from firmware_sim.trace_files import scenarios

    listed = scenarios()
    fitting = [each["scenario"] for each in listed if each["into"] or not into]
    if name in fitting:
        shortest_s = next(each["shortest_s"] for each in listed if each["scenario"] == name)
        if duration_s is not None and duration_s < shortest_s:
            raise UsageError(
                f"{name} takes {shortest_s:g} seconds or more, not {duration_s:g}",
                param_hint="--duration",
            )
        return
    if any(each["scenario"] == name for each in listed):
        wrong = f"{name} cannot go into a recording; these can: {', '.join(fitting)}."
    else:
        close = get_close_matches(name, fitting, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        wrong = f"there is no scenario {name!r}.{meant} See: {program_name()} simulate --list"
    raise UsageError(wrong, param_hint="--scenario")


def _any(*values: object) -> bool:
    return any(value is not None for value in values)


def _list(out: Output) -> None:
    from firmware_sim.trace_files import scenarios

    for each in scenarios():
        usual = "a night" if each["usual_s"] is None else length(each["usual_s"])
        line = f"{each['scenario']:<27} {each['about']} ({usual})"
        out.data(json.dumps(each) if out.json else line)


def _put_into(out: Output, recording: Path, wanted: Wanted, target: Path) -> None:
    from firmware_sim.trace_files import put_into

    done = put_into(recording, wanted, target)
    out.say(
        f"{target}: {recording.name}, {length(done.duration_s)}, with {wanted.scenario!r}, seed "
        f"{wanted.seed}, {_events(done.put_in, target)}"
    )
    if done.left_out:
        out.say(
            f"{done.left_out} more found no place: a gap, the end, or too much movement there. "
            "What happened in the recording by itself is not in the truth."
        )


def _events(count: int, path: Path) -> str:
    return f"{count} simulated events in {path.stem}_events.tsv beside it"


def _serve(out: Output, paths: list[Path], words: list[str], speed: float) -> int:
    """Play traces on a virtual radio until they end; return the exit code."""
    import asyncio

    from firmware_sim.child import running_air
    from firmware_sim.trace_files import checked

    async def serve() -> int:
        async with running_air(*(str(checked(path)) for path in paths), *words) as air:
            pace = "" if speed == 1 else f" --speed {speed:g}"
            out.say("The virtual sensor is on. In another terminal, and in a third:")
            out.say(f"  {program_name()} run --radio {air.address}{pace}")
            out.say(f"  {program_name()} listen --simulated")
            async for event in air.events():
                out.data(json.dumps(event) if out.json else _line(event))
            return await air.wait()

    return asyncio.run(serve())


def _line(event: dict[str, Any]) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in event.items() if key != "event")
    return f"{event['event']}: {facts}"
