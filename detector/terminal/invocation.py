"""The options that every command has, and where a command finds them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.errors import StorageError
from detector.terminal.output import Output

if TYPE_CHECKING:
    from detector.config import Configuration


PROGRAM = "spasmwatch"

INTERRUPTED = 130  # exit code after Ctrl-C, as a shell has it

FASTEST = 60.0
"""Most that a virtual sensor over Bluetooth keeps, times real time: on two busy cores 30 min took
31 s at 60, and as long at 100, where simulated time waits for the link."""

RadioOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Use the virtual radio of a running `simulate`."),
]
SpeedOption = Annotated[
    float,
    typer.Option(
        min=0.1, max=FASTEST, metavar="X", help="Times real time, as of `simulate`; with --radio."
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="NAME|ADDRESS", help="Which sensor, as `scan` lists it.")
]


def program_name(called_as: Sequence[str] | None = None) -> str:
    """Return how this program is called, so that a command which begins with it can be typed.

    That is `spasmwatch` where the shell finds this very program by its name; else the path that was
    typed, or `python -m detector`.

    Parameters
    ----------
    called_as : the interpreter and the script that it runs; those of this process by default
    """
    interpreter, script = called_as or (sys.orig_argv[0], sys.argv[0])
    called = Path(script)
    if called.name == "__main__.py" and called.parent.name == "detector":
        return f"{shlex.quote(interpreter)} -m detector"
    found = which(PROGRAM)
    if called.name != PROGRAM or (found and Path(found).resolve() == called.resolve()):
        return PROGRAM
    return shlex.quote(script) if "/" in script else PROGRAM


_COMMANDS = (
    "alerts|backup|calibrate|config|detect|demo|doctor|evaluate|events|export|ha|listen|note|pair"
    "|purge|record|replay|report|restore|review|run|scan|service|setup|simulate|status|tune|watchdog"
)
_COMMAND = re.compile(rf"(?<![\w/]){PROGRAM} (?=(?:-c (?:'[^']*'|\S+) )?(?:{_COMMANDS})\b)")


def as_called(text: str, program: str | None = None) -> str:
    """Return a sentence of a package below with its commands as this program is called."""
    return _COMMAND.sub(lambda _: f"{program or program_name()} ", text)


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options of one call; `Invocation.of(ctx)` returns them to a command."""

    out: Output
    config_path: Path | None = None
    data_dir: Path | None = None

    @classmethod
    def of(cls, ctx: typer.Context) -> Invocation:
        """Return the global options, given before or after the command's name."""
        found = ctx.find_object(cls)
        return found or cls(Output())

    def configuration(self, flags: Mapping[str, object] | None = None) -> Configuration:
        """Return the settings; the command's own flags (dotted key → value) win.

        Raises
        ------
        ConfigError
            They are not valid; start nothing.
        """
        from detector.config import read_configuration

        return read_configuration(
            self.config_path, flags={"data_dir": self.data_dir, **(flags or {})}
        )


_REFUSALS: Final[Mapping[str, str]] = {
    r"Value error, (.+)": r"\1",
    r"Input should be less than or equal to (\S+)": r"it must be \1 at most",
    r"Input should be greater than or equal to (\S+)": r"it must be \1 or more",
    r"Input should be a valid number\b.*": "it is no number",
    r"Input should be a valid integer\b.*": "it is no whole number",
}
"""What typer's validator says of a value, and the same in plain words."""


def plain_refusal(message: str) -> str:
    """Return why a value is refused in plain words; what is not known stays as it is."""
    for pattern, words in _REFUSALS.items():
        if found := re.fullmatch(pattern, message):
            return found.expand(words)
    return message


class UsageError(typer.BadParameter):
    """The options do not go together, or one of them cannot be used; exit code 2."""

    def format_message(self) -> str:
        """Return the message as it is, without "Invalid value" where no option is named."""
        return super().format_message() if self.param_hint else self.message


def check_target(option: str, file: Path | None, suffix: str = "", *, new: bool = False) -> None:
    """Check that a file can be written, before anything is done for it.

    Parameters
    ----------
    suffix : that its name must have, such as .npz
    new : whether the file must not exist yet

    Raises
    ------
    UsageError, StorageError
        The name does not fit; the folder does not exist or cannot be written.
    """
    if file is None:
        return
    if suffix and file.suffix.lower() != suffix:
        raise UsageError(f"{file} must end in {suffix}", param_hint=option)
    if new and file.exists():
        raise UsageError(f"{file} exists already. Choose another name.", param_hint=option)
    folder = file.absolute().parent
    if not folder.is_dir():
        raise StorageError(f"{file}: there is no such folder. Create it: mkdir -p {file.parent}")
    try:
        with TemporaryFile(dir=folder):
            pass  # os.access() is true for root on a disk that is read-only
    except OSError as error:
        raise StorageError(
            f"{file}: nothing can be written in that folder ({error.strerror}). "
            f"Choose another {option}."
        ) from error
