"""`spasmwatch decode`: turn a sensor's bytes into samples, for bug reports and new drivers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from detector.errors import ConfigError, ProtocolError
from detector.terminal.invocation import Invocation, UsageError
from detector.terminal.output import Output

CAPTURES = {".jsonl", ".capture"}
LONGEST_HEX = 4096  # characters; a notification has at most 512 bytes, with room for blanks


def decode(
    ctx: typer.Context,
    hexes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HEX…|-|CAPTURE",
            help="Bytes of notifications; - reads stdin. Or a file of `record --capture`.",
        ),
    ] = None,
    *,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Sensor that sent them, such as polar-verity-sense."),
    ] = None,
) -> None:
    """Turn notification bytes into samples, as JSON lines.

    A capture gives a line for each packet with samples, decoded as in its own session.
    """
    from detector.devices.registry import installed

    out = Invocation.of(ctx).out
    if hexes is not None and len(hexes) == 1 and Path(hexes[0]).suffix.lower() in CAPTURES:
        _decode_capture(out, Path(hexes[0]))
        return
    if device is None:
        raise UsageError(
            "say which sensor sent the bytes, such as --device polar-verity-sense; names are in "
            "docs/devices.md"
        )
    try:
        driver = installed().named(device)
    except ConfigError as error:
        raise UsageError(str(error), param_hint="--device") from None
    for place, text in _texts(hexes or ["-"]):
        try:
            decoded = driver.decode(_bytes(text))
        except ProtocolError as error:
            raise ProtocolError(f"{place}: {error}") from error
        line = {"t_ns": decoded.t_ns, "samples_g": decoded.samples.tolist()}
        out.data(json.dumps(line, allow_nan=False))


def _decode_capture(out: Output, path: Path) -> None:
    """Decode a whole capture; packets that make no sense are reported, and fail it at the end."""
    from detector.devices.interpreter import Interpreter
    from detector.devices.profile import Chunk
    from detector.devices.registry import installed
    from detector.store.capture import Capture

    capture, interpreter = Capture.open(path), Interpreter(installed())
    for number, item in enumerate(capture.items(), 2):  # below the header
        reading = interpreter.feed(item)
        if reading.error is not None:
            out.say(f"{path.name} line {number}: {reading.error}")
        for chunk in reading.outputs:
            if isinstance(chunk, Chunk):
                line = {"t_ns": chunk.last_ns, "samples_g": chunk.samples.tolist()}
                out.data(json.dumps(line, allow_nan=False))
    if interpreter.protocol_errors:
        raise ProtocolError(f"{path.name}: {interpreter.protocol_errors} packets made no sense")


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
