"""The options that every command has, and where a command finds them."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.output import Output

if TYPE_CHECKING:
    from detector.config import Configuration


FASTEST = 60.0
"""Most that a virtual sensor over Bluetooth keeps up with on two cores, times real time."""

RadioOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Virtual radio of a running `simulate`."),
]
SpeedOption = Annotated[
    float, typer.Option(min=0.1, max=FASTEST, help="Times real time; with --radio only.")
]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="NAME|ADDRESS", help="Which sensor; see `scan`.")
]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of `spasmwatch`; `Invocation.of(ctx)` gives it to a command."""

    out: Output
    config_path: Path | None = None
    data_dir: Path | None = None

    @classmethod
    def of(cls, ctx: typer.Context) -> Invocation:
        """Return what was said before (or after) the command's name."""
        found = ctx.find_object(cls)
        return found or cls(Output())

    def configuration(self, flags: Mapping[str, object] | None = None) -> Configuration:
        """Read the settings, under the command's own flags (dotted key → value).

        Raises
        ------
        ConfigError
            They are wrong; nothing may be started.
        """
        from detector.config import read_configuration

        return read_configuration(
            self.config_path, flags={"data_dir": self.data_dir, **(flags or {})}
        )


def check_target(option: str, file: Path | None, suffix: str = "", *, new: bool = False) -> None:
    """Check that a file can be written, before anything is done for it.

    Parameters
    ----------
    suffix : that its name must have, such as .npz
    new : whether the file must not exist yet

    Raises
    ------
    typer.BadParameter, OSError
        The name does not fit; the folder does not exist or cannot be written.
    """
    if file is None:
        return
    if suffix and file.suffix.lower() != suffix:
        raise typer.BadParameter(f"{file} must end in {suffix}", param_hint=option)
    if new and file.exists():
        raise typer.BadParameter(f"{file} exists already. Choose another name.", param_hint=option)
    folder = file.absolute().parent
    if not folder.is_dir():
        raise OSError(
            errno.ENOENT, f"there is no such folder. Create it: mkdir -p {file.parent}", str(file)
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, f"the folder cannot be written to; choose another {option}",
                      str(file))  # fmt: skip
