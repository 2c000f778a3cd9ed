"""`spasmwatch evaluate`: recordings against what really happened in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.recordings.file_options import RowsWanted, UnitName, rows_wanted
from detector.errors import RecordingError
from detector.events import Kind
from detector.files import write_whole
from detector.sites import Site
from detector.terminal.failures import NOT_WHOLE, report_failure
from detector.terminal.invocation import Invocation
from detector.terminal.output import Output

if TYPE_CHECKING:
    from detector.evaluation.runner import Evaluation, EvaluationCase
    from detector.store.formats.table.reader import Where

MISSED = 1  # exit code: a check failed


def evaluate(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Recordings, or folders of them.")
    ],
    *,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="What happened, one for each FILE in order: BIDS events.tsv or .npz.",
            show_default="FILE_events.tsv beside it, or inside the .npz",
        ),
    ] = None,
    site: Annotated[
        Site | None,
        typer.Option(
            help="Where the sensor was worn.", show_default="what the file says, or ankle"
        ),
    ] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="Score only this kind.")] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Score nothing, and count no hours, under this label."),
    ] = None,
    spasm_free: Annotated[
        bool,
        typer.Option(
            "--spasm-free",
            help="Recordings without labels hold no spasm: every alarm in them is false.",
        ),
    ] = False,
    latency: Annotated[
        bool, typer.Option("--latency", help="Stream as live, to measure the first word; slower.")
    ] = False,
    peers: Annotated[
        bool, typer.Option("--peers/--no-peers", help="Score the rules of others beside ours.")
    ] = True,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Exit 1 below, as in sensitivity.clonus=0.97."),
    ] = None,
    fail_over: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Exit 1 above, as in false_per_24h=2."),
    ] = None,
    fs: Annotated[
        float | None, typer.Option(metavar="HZ", help="Sampling rate, where the file has none.")
    ] = None,
    unit: UnitName = None,
    where: RowsWanted = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Also write it, as .md or .json.")
    ] = None,
) -> None:
    """Score the detector on recordings with known spasms, beside the rules of others."""
    from detector.evaluation.bars import LESS_IS_BETTER, MORE_IS_BETTER, missed_bars
    from detector.evaluation.report import as_text, to_dict
    from detector.evaluation.runner import OURS, compare

    out = Invocation.of(ctx).out
    under = _bars(fail_under or [], MORE_IS_BETTER, LESS_IS_BETTER, "--fail-under", "--fail-over")
    over = _bars(fail_over or [], LESS_IS_BETTER, MORE_IS_BETTER, "--fail-over", "--fail-under")
    if out_file is not None:
        _check_target(out_file)
    cases = _cases(files, labels or [], fs=fs, unit=unit, where=rows_wanted(where), out=out)
    with out.progress("recordings", len(cases)) as advance:

        def each() -> Iterator[EvaluationCase]:
            for case in cases:
                yield case
                advance(1)

        try:
            found = compare(
                each(),
                site=site,
                kinds=kind,
                skip=skip or [],
                latency=latency,
                peers=peers,
                spasm_free=spasm_free,
            )
        except RecordingError as error:
            raise typer.Exit(report_failure(error, out)) from None
    for warning in [text for recorded in found.recordings for text in recorded.warnings]:
        out.say(warning)
    if out_file is not None:
        _write(out_file, found)
    if out.json:
        out.data(json.dumps(to_dict(found), ensure_ascii=False, allow_nan=False))
    else:
        for line in as_text(found):
            out.data(line)
    missed = missed_bars(found.scores[OURS], under=under, over=over)
    for sentence in missed:
        out.error(sentence)
    if missed:
        raise typer.Exit(MISSED)
    if not all(recorded.is_whole for recorded in found.recordings):
        raise typer.Exit(NOT_WHOLE)


def _cases(
    files: Sequence[Path],
    labels: Sequence[Path],
    *,
    fs: float | None,
    unit: str | None,
    where: Where | None,
    out: Output,
) -> list[EvaluationCase]:
    """Open every file before any work: all that cannot be read are named, and nothing is scored."""
    from detector.evaluation.runner import case_of_file, recordings_in

    paths = recordings_in(files)
    if labels and len(labels) != len(paths):
        raise typer.BadParameter(
            f"{len(labels)} given for {len(paths)} recordings: name one for each, in their order",
            param_hint="--labels",
        )
    cases: list[EvaluationCase] = []
    code = 0
    said: Sequence[Path | None] = labels or [None] * len(paths)
    for path, label_file in zip(paths, said, strict=True):
        try:
            cases.append(case_of_file(path, label_file, fs=fs, unit=unit, where=where))
        except (RecordingError, OSError) as error:
            failed = report_failure(error, out)
            code = code or failed
    if code:
        raise typer.Exit(code)
    return cases


def _bars(
    words: Sequence[str], fitting: Sequence[str], turned: Sequence[str], hint: str, other: str
) -> dict[str, float]:
    from detector.evaluation.bars import bar_names, is_share

    bars: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name in bar_names(turned):
            raise typer.BadParameter(f"{name} belongs to {other}", param_hint=hint)
        if name not in bar_names(fitting):
            raise typer.BadParameter(
                f"no measure is called {name!r}: {', '.join(fitting)}, some with a .kind",
                param_hint=hint,
            )
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            raise typer.BadParameter(f"{word!r} must be NAME=NUMBER", param_hint=hint)
        if is_share(name) and value > 1:
            raise typer.BadParameter(
                f"{name} is a share: its bar is from 0 to 1, not {value:g}", param_hint=hint
            )
        bars[name] = value
    return bars


def _check_target(path: Path) -> None:
    from detector.store.formats.event_table import check_folder

    if path.suffix.lower() not in {".md", ".json"}:
        raise typer.BadParameter(
            f"{path}: a result is written as .md or .json: choose one", param_hint="--out"
        )
    check_folder(path)


def _write(path: Path, found: Evaluation) -> None:
    """Write a result whole or not at all."""
    from detector.evaluation.report import as_markdown, to_dict

    if path.suffix.lower() == ".md":
        text = as_markdown(found)
    else:
        text = json.dumps(to_dict(found), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    write_whole(path, text)
