"""`spasmwatch decode`: what a sensor's bytes mean, for bug reports and new drivers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from detector.cli.invocation import Invocation
from detector.errors import ConfigError, ProtocolError

LONGEST_HEX = 4096  # characters; a notification has at most 512 bytes, with room for blanks


def decode(
    ctx: typer.Context,
    hexes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HEX…|-]", help="One notification each; - reads lines from stdin."),
    ] = None,
    *,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Device name, such as polar-verity-sense.")
    ],
) -> None:
    """Turn notification bytes into samples, as JSON lines."""
    from detector.devices.registry import installed

    out = Invocation.of(ctx).out
    try:
        driver = installed().named(device)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--device") from None
    for place, text in _texts(hexes or ["-"]):
        try:
            decoded = driver.decode(_bytes(text))
        except ProtocolError as error:
            raise ProtocolError(f"{place}: {error}") from error
        line = {"t_ns": decoded.t_ns, "samples_g": decoded.samples.tolist()}
        out.data(json.dumps(line, allow_nan=False))


def _texts(arguments: list[str]) -> Iterator[tuple[str, str]]:
    for number, argument in enumerate(arguments, 1):
        if argument != "-":
            yield f"notification {number}", argument
            continue
        lines = iter(lambda: sys.stdin.readline(LONGEST_HEX + 2), "")
        for line_number, line in enumerate(lines, 1):
            if line.strip():
                yield f"line {line_number}", line


def _bytes(text: str) -> bytes:
    digits = text.strip().removeprefix("0x").replace(":", "")
    if len(digits) > LONGEST_HEX:
        raise ProtocolError("longer than any notification")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ProtocolError(f"{text.strip()[:40]!r} is not hexadecimal") from None
