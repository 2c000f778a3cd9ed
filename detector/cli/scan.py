"""`spasmwatch scan`: which sensors are near."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.invocation import Invocation
from detector.errors import LinkError

if TYPE_CHECKING:
    from detector.sources.ble import Found

NOTHING = """No sensor found in {timeout_s:g} seconds.
  1. Is it awake? Press its button, or shake it: its light should blink.
  2. Is another phone or app connected to it? Sensors talk to one at a time.
  3. Is it charged, and within a few metres of this computer?
Try: spasmwatch scan --timeout 30"""

STRONG_DBM, WEAK_DBM = -65, -80  # beside the bed is -50 to -65; below -80 packets get lost


def scan(
    ctx: typer.Context,
    *,
    timeout: Annotated[float, typer.Option(min=1, max=300, help="Seconds to listen.")] = 10.0,
    every: Annotated[bool, typer.Option("--all", help="Also what we cannot use.")] = False,
    radio: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Virtual radio of a running `simulate`."),
    ] = None,
) -> None:
    """List the sensors that can be heard."""
    import asyncio

    out = Invocation.of(ctx).out
    out.say(f"Listening for {timeout:g} seconds …")
    found = asyncio.run(_scan(timeout, radio))
    usable = [one for one in found if one.driver is not None]
    shown = found if every else usable
    if out.json:
        for one in shown:
            out.data(json.dumps(_plain(one)))
    elif shown:
        out.data(f"{'Name':<28} {'Signal':<16} {'Works with spasmwatch':<24} Address")
        for one in shown:
            works = f"yes ({one.driver})" if one.driver else "no"
            out.data(f"{_short(one.name):<28} {_signal(one):<16} {works:<24} {one.address}")
    hidden = len(found) - len(shown)
    if hidden:
        out.say(f"({hidden} other Bluetooth devices hidden; --all shows them)")
    if not usable:
        raise LinkError(NOTHING.format(timeout_s=timeout))


async def _scan(timeout_s: float, radio: str | None) -> list[Found]:
    from detector.sources.ble import scan as listen

    if radio is None:
        return await listen(timeout_s)
    from firmware_sim.backend import backends

    return await listen(timeout_s, scanner_backend=backends(radio)[0])


def _signal(found: Found) -> str:
    dbm = found.rssi_dbm
    if dbm is None:
        return "unknown"
    word = "strong" if dbm >= STRONG_DBM else "fair" if dbm >= WEAK_DBM else "weak"
    return f"{word} {dbm} dBm"


def _plain(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "address": found.address,
        "rssi_dbm": found.rssi_dbm,
        "driver": found.driver,
        "usable": found.driver is not None,
    }


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"
