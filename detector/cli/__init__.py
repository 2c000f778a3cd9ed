"""The command line: one file per command, which parses, calls a package below, and renders.

A command imports what it needs inside its function, so that the other commands start quickly.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from detector.cli.caregivers import alerts, ha, listen, pair
from detector.cli.night import demo, note, report, review, run, status, tune
from detector.cli.recordings import decode, detect, evaluate, record, replay, simulate
from detector.cli.setting_up import calibrate, config, doctor, scan, service, setup, watchdog
from detector.cli.your_data import backup, events, export, purge
from detector.release import VERSION
from detector.terminal.failures import report_failure
from detector.terminal.invocation import Invocation, plain_refusal, program_name
from detector.terminal.output import Output

NIGHT, SETUP, DATA = "Every night", "Setting up", "Your data"
TRY, ADVANCED = "Try and test", "Advanced"

GLOBALS = {"config_path", "data_dir", "json_", "plain", "quiet", "verbose", "no_color"}


class _Commands(TyperGroup):
    """Commands with the global options before or after their name, and never a traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._globals_first(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # so that a full disk is reported here, not while Python shuts down
            return result
        except BrokenPipeError as error:  # whoever reads has enough, as `head` does
            _discard_output()
            raise typer.Exit from error
        except typer.BadParameter as error:  # typer writes it, after its validator's words
            error.message = plain_refusal(error.message)
            raise
        except (typer.TyperException, typer.Exit, typer.Abort):
            raise  # typer writes these itself
        except Exception as error:  # so that no traceback reaches a person
            raise typer.Exit(report_failure(error, Invocation.of(ctx).out)) from error

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  (inherited)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None) or "Commands"
            panels.setdefault(panel, []).append((name, command.get_short_help_str(80)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)

    def _globals_first(self, args: list[str]) -> list[str]:
        """Move global options that follow a command's name in front of it, to be parsed there."""
        options = {name: p for p in self.params if p.name in GLOBALS for name in p.opts}
        front, rest, words = list[str](), list[str](), list(reversed(args))
        while words:
            word = words.pop()
            option: Any = options.get(word.partition("=")[0])
            if word == "--":
                return [*front, *rest, word, *reversed(words)]
            if option is None and not (word[:1] == "-" and word[1:2] and set(word[1:]) <= {*"qv"}):
                rest.append(word)
                continue
            needs_value = option is not None and not (option.is_flag or option.count or "=" in word)
            if needs_value and not words:
                rest.append(word)
                continue
            front += [word, words.pop()] if needs_value else [word]
        return front + rest


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"New here? {program_name()} demo, then {program_name()} setup. Global options may also "
    "follow the command. Not a medical device.",
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"spasmwatch {VERSION}")
        raise typer.Exit


@app.callback()
def spasmwatch(
    ctx: typer.Context,
    *,
    config_path: Annotated[
        Path | None, typer.Option("-c", "--config", metavar="PATH", help="Settings file.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", metavar="PATH", help="Folder for recordings and events."),
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Data as JSON on stdout, everything else on stderr.")
    ] = False,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Lines only: no boxes, bars or redrawing; for screen readers."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Results and errors only.")] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            show_default=False,
            help="More detail; twice for tracebacks.",
        ),
    ] = 0,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours, as with NO_COLOR=1.")
    ] = False,
    version: Annotated[  # noqa: ARG001  (its callback answers)
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Find likely muscle spasms and clonus in the movement of a leg at night."""
    if no_color:
        os.environ["NO_COLOR"] = "1"  # what rich and typer go by
    out = Output(json=json_, plain=plain, quiet=quiet, verbosity=verbose)
    ctx.obj = Invocation(out, config_path, data_dir)


# One line for each command, in the order of the help.
app.command(rich_help_panel=NIGHT)(run.run)
app.command(rich_help_panel=NIGHT, short_help="Show what `run` here watches now.")(status.status)
app.command(rich_help_panel=NIGHT, short_help="Write down what belongs to a night.")(note.note)
app.command(rich_help_panel=NIGHT, short_help="Show how a night went.")(report.report)
app.command(rich_help_panel=NIGHT, short_help="Say what a night's movements were.")(review.review)
app.command(rich_help_panel=NIGHT, short_help="Receive a night's alerts here, and sound an alarm.")(
    listen.listen
)
app.command(rich_help_panel=NIGHT, short_help="Alarm when `run` on this computer hangs or dies.")(
    watchdog.watchdog
)
app.add_typer(setup.app, name="setup", rich_help_panel=SETUP)
app.command(rich_help_panel=SETUP, short_help="Let a phone or browser see the page.")(pair.pair)
app.command(rich_help_panel=SETUP)(scan.scan)
app.command(
    rich_help_panel=SETUP, short_help="Three minutes that show what a worn sensor measures."
)(calibrate.calibrate)
app.command(rich_help_panel=SETUP)(doctor.doctor)
app.add_typer(alerts.app, name="alerts", rich_help_panel=SETUP)
app.command(rich_help_panel=DATA, short_help="Show what was found in a night.")(events.events)
app.command(rich_help_panel=DATA, short_help="Write nights for other programs.")(export.export)
app.command(rich_help_panel=DATA, short_help="Copy all that is kept into one file.")(backup.backup)
app.command(rich_help_panel=DATA, short_help="Put back what backup copied.")(backup.restore)
app.command(rich_help_panel=DATA, short_help="Delete nights for good.")(purge.purge)
app.command(rich_help_panel=TRY)(demo.demo)
app.command(rich_help_panel=TRY)(detect.detect)
app.command(rich_help_panel=TRY)(replay.replay)
app.command(rich_help_panel=TRY)(simulate.simulate)
app.command(rich_help_panel=TRY, short_help="Learn your own minimums from your labels.")(tune.tune)
app.command(rich_help_panel=TRY)(record.record)
app.command(rich_help_panel=TRY)(decode.decode)
app.command(rich_help_panel=TRY)(evaluate.evaluate)
app.add_typer(service.app, name="service", rich_help_panel=SETUP)
app.add_typer(config.app, name="config", rich_help_panel=ADVANCED)
app.add_typer(ha.app, name="ha", rich_help_panel=ADVANCED)


def main() -> None:
    """Run the command line; end the process with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character
    if "--plain" in sys.argv or not (sys.stdout.isatty() and sys.stderr.isatty()):
        app.rich_markup_mode = None  # no boxes in pipes, files and screen readers
    try:
        app()
    finally:
        _let_go_of_stderr()


def _discard_output() -> None:
    """Let Python write to nowhere what it holds for a closed pipe, when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def _let_go_of_stderr() -> None:
    """Keep Python from ending with 120, whatever the command did, where stderr takes no line."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = None
