"""`spasmwatch replay`: print the events and alerts of a recorded night again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.terminal.failures import NOT_WHOLE
from detector.terminal.invocation import Invocation
from detector.words.phrases import NOTICE, counted, length


def replay(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A recorded night or capture, CSV, npz.")
    ],
    *,
    side_by_side: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare",
            metavar="A.toml B.toml",
            help="Show instead what two settings files would have found and told.",
        ),
    ] = None,
) -> None:
    """Print again the events and alerts that were printed while a recording was made.

    At full speed; nothing is published. The lines are the same, byte for byte, and in the same
    order. Left out is what no recording holds: the status, and alerts about the computer or from
    before the first packet. Minimums of your own (`tune`) are those that hold now.
    """
    from detector.cli.recordings.replayed import replayed
    from detector.night.outcome import Outcome
    from detector.service.presentation.news import NightOver
    from detector.store.formats.reader import open_recording
    from detector.terminal.narrator import Narrator

    call = Invocation.of(ctx)
    if side_by_side is not None:
        from detector.cli.recordings.compare import compare

        if not compare(call, file, side_by_side):
            raise typer.Exit(NOT_WHOLE)
        return
    settings = call.configuration().settings
    narrator = Narrator(call.out, lambda: 0, settings.wearer.zone, settings.wearer.label)
    with open_recording(file) as reader:
        recorded = replayed(reader, settings)
        told = Outcome()
        for step in recorded.steps():
            narrator.tell(told)
            told = step.told
        narrator.tell(NightOver())
        narrator.tell(told)
    watched, gaps = length(recorded.night.monitored_s), len(recorded.stretches[0]) - 1
    call.out.say(f"{file.name}: {watched} watched, {counted(gaps, 'gap')}. {NOTICE}")
    for warning in recorded.warnings:
        call.out.say(warning)
    if not recorded.is_whole:
        raise typer.Exit(NOT_WHOLE)
