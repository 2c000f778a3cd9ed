"""`spasmwatch scan`: list the sensors in reach."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.devices.identity import means
from detector.errors import LinkError
from detector.terminal.invocation import Invocation, RadioOption, as_called, program_name

if TYPE_CHECKING:
    from detector.sources.nearby import NearbyDevice
    from detector.sources.reach import Reach
    from detector.terminal.output import Output

NOTHING = """No sensor found in {timeout_s:g} s.
  1. Is it awake? Press its button, or shake it: its light should blink.
  2. Is a phone or an app connected to it? A sensor talks to one at a time.
  3. Is it charged, and within a few metres of this computer?
Try: {program} scan --timeout 30      Help: {program} doctor"""

STRONG_DBM, WEAK_DBM = -65, -80  # beside the bed is -50 to -65; below -80 packets get lost
BARS = "▂▄▆█"
BATTERY_PATIENCE_S = 20.0  # to connect and ask takes 2 s, on a slow link 15
MOST_ASKED = 16  # sensors whose batteries are read: with --battery in a clinic, 5 minutes
NAME_WIDTH = 24
LONGEST_LINE = 100


def scan(
    ctx: typer.Context,
    *,
    timeout: Annotated[
        float, typer.Option(min=1, max=300, metavar="S", help="Seconds to listen.")
    ] = 10.0,
    every: Annotated[
        bool, typer.Option("--all", help="Also list devices that do not work, with the reason.")
    ] = False,
    battery: Annotated[
        bool,
        typer.Option("--battery", help="Connect to each sensor that works and read its charge."),
    ] = False,
    radio: RadioOption = None,
) -> None:
    """List the sensors in reach, and whether they work.

    With --json one object a line: address, name (as advertised, unchecked), rssi_dbm and
    battery_percent (null where unknown), signal (strong, fair, weak, unknown), driver (null where
    there is none), usable, because (a sentence), chosen (whether the settings name it), adapter
    (which of several hears it best, else null).
    """
    import asyncio

    from detector.cli.night.simulated import reach_over
    from detector.sources.nearby import not_heard

    call = Invocation.of(ctx)
    out = call.out
    worn = call.configuration().settings.sensors
    devices = [one.device for one in worn if one.device is not None]
    adapters = {one.adapter for one in worn}
    reach = reach_over(radio, hci=adapters.pop() if len(adapters) == 1 else None)
    found = asyncio.run(heard(out, reach, timeout))
    usable = [one for one in found if one.driver is not None]
    chosen = [one for one in found if any(is_called(one, device) for device in devices)]
    shown = found if every else [one for one in found if one in usable or one in chosen]
    charges = asyncio.run(_charges(out, reach, usable)) if battery else {}
    if out.json:
        for one in shown:
            out.data(json.dumps(plain(one, charges.get(one.address), chosen=one in chosen)))
    else:
        for line in table(shown, chosen, charges if battery else None, bars=_bars(out)):
            out.data(line)
    hidden = len(found) - len(shown)
    if hidden:
        others = "1 other Bluetooth device" if hidden == 1 else f"{hidden} other Bluetooth devices"
        out.say(f"({others} hidden; --all shows {'it' if hidden == 1 else 'them'})")
    not_ours = [one for one in found if one not in chosen]
    for sensor in worn:
        if sensor.device is not None and not any(is_called(one, sensor.device) for one in found):
            out.say(as_called(not_heard(sensor.device, sensor.name, not_ours)))
    if not usable:
        raise LinkError(NOTHING.format(timeout_s=timeout, program=program_name()))
    if not devices:
        there = "" if radio is None else f" --radio {quote(radio)}"
        out.say(f"Next: {program_name()} setup{there}")


async def heard(out: Output, reach: Reach, timeout_s: float) -> list[NearbyDevice]:
    """Return the devices heard, with a bar while listening."""
    from detector.terminal.output import bar, live_line

    seconds = "1 second" if timeout_s == 1 else f"{timeout_s:g} seconds"
    out.say(f"Listening for {seconds} … (press the sensor's button, or shake it)")
    with live_line(out) as draw:
        return await reach.scan(
            timeout_s, lambda s: draw(f"{bar(s / timeout_s)}  {max(0, timeout_s - s):.0f} s left")
        )


def table(
    shown: Sequence[NearbyDevice],
    chosen: Sequence[NearbyDevice],
    charges: dict[str, int] | None,
    *,
    bars: bool,
) -> list[str]:
    """Return the table of devices as lines; none where nothing was heard."""
    if not shown:
        return []
    names = [short(one.name) for one in shown]
    words = [signal_words(one, bars=bars) for one in shown]
    rows = [("Name", "Signal", "Battery", "Address")]
    for one, name, signal in zip(shown, names, words, strict=True):
        percent = (charges or {}).get(one.address)
        rows.append((name, signal, "unknown" if percent is None else f"{percent} %", one.address))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    widths[2] *= charges is not None
    heads = [
        "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True) if width)
        for row in rows
    ]
    lines = [f"  {heads[0]}  Works with spasmwatch"]
    for one, head in zip(shown, heads[1:], strict=True):
        works = f"{'yes' if one.driver else 'no'}: {one.because}"
        if one.adapter is not None:
            works += f", heard by {one.adapter}"
        line = f"{'*' if one in chosen else ' '} {head}  {works}"
        if len(line) <= LONGEST_LINE:
            lines.append(line)
        else:
            lines += [line.removesuffix(f"  {works}"), *_indented(works)]
    if chosen:
        lines.append("  (* in your settings)")
    return lines


def plain(found: NearbyDevice, percent: int | None, *, chosen: bool) -> dict[str, Any]:
    """Return what --json prints of a sensor; stable, see the command's help."""
    return {
        "address": found.address,
        "name": found.name,
        "rssi_dbm": found.rssi_dbm,
        "signal": signal_word(found.rssi_dbm),
        "battery_percent": percent,
        "driver": found.driver,
        "usable": found.driver is not None,
        "because": found.because,
        "chosen": chosen,
        "adapter": found.adapter,
    }


def signal_word(dbm: int | None) -> str:
    """Return the strength of a signal in a word."""
    if dbm is None:
        return "unknown"
    return "strong" if dbm >= STRONG_DBM else "fair" if dbm >= WEAK_DBM else "weak"


def signal_words(found: NearbyDevice, *, bars: bool) -> str:
    """Return the strength of a signal: a bar, a word, a number."""
    dbm = found.rssi_dbm
    if dbm is None:
        return "unknown"
    steps = sum(dbm >= least for least in (-999, WEAK_DBM, (WEAK_DBM + STRONG_DBM) / 2, STRONG_DBM))
    picture = f"{BARS[:steps]:<4} " if bars else ""
    return f"{picture}{signal_word(dbm):<6} {dbm} dBm"


def short(name: str) -> str:
    """Return a name on one line of bounded length, `(no name)` where it is empty."""
    name = "".join(c if c.isprintable() else "�" for c in name.strip())
    if not name:
        return "(no name)"
    return name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"


def is_called(found: NearbyDevice, device: str | None) -> bool:
    """Whether settings that name `device`, by name or address, mean this one."""
    return means(device, found.address, found.name)


def _indented(text: str) -> list[str]:
    import textwrap

    indent = "      "
    return textwrap.wrap(text, 80, initial_indent=indent, subsequent_indent=indent)


async def _charges(out: Output, reach: Reach, usable: Sequence[NearbyDevice]) -> dict[str, int]:
    """Return the charge in per cent by address, where a sensor reports it."""
    charges = {}
    for one in usable[:MOST_ASKED]:
        out.say(f"Reading the charge of {short(one.name)} …")
        look, _ = await reach.look(
            one.address,
            driver=one.driver,
            patience_s=BATTERY_PATIENCE_S,
            enough=lambda look: look.charge.percent is not None,
        )
        if look.charge.percent is not None:
            charges[one.address] = look.charge.percent
    return charges


def _bars(out: Output) -> bool:
    """Whether to draw bars: not for screen readers (--plain), nor where they cannot be encoded."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return not out.plain
