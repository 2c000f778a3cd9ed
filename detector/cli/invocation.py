"""The options that every command has, and where a command finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.output import Output

if TYPE_CHECKING:
    from detector.config import Configuration


RadioOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Virtual radio of a running `simulate`."),
]
SpeedOption = Annotated[
    float, typer.Option(min=0.1, max=1000, help="Times real time; with --radio only.")
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
