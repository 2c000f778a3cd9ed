"""Simulate bluetoothd: run a command that uses BlueZ, on a machine without a Bluetooth adapter.

With it, `spasmwatch run` and `spasmwatch scan` take the same path as on any Linux machine, through
BlueZ. Start simulated sensors, then name the command to run after two dashes:

    python -m firmware_sim walk.npz --listen unix:/tmp/radio &
    python -m firmware_sim.bluez --radio unix:/tmp/radio -- spasmwatch scan
    python -m firmware_sim.bluez --radio unix:/tmp/radio -- spasmwatch run

Without a command it runs until SIGTERM, SIGINT, the end of its standard input if that is a pipe,
or the end of the bus. When it is ready it prints one line of JSON: the `DBUS_SYSTEM_BUS_ADDRESS`
that other commands need in their environment. The bus is private; the machine's own is not touched.
`--adapter STATE`, once for each of hci0, hci1, …, has adapters that are on, off, blocked, deaf or
absent; without it there is one that is on. `--fault NAME` or `--fault NAME:TIMES` makes something
fail, see `firmware_sim.bluez.faults`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from detector.errors import LinkError
from firmware_sim.bluez.adapter import AdapterState
from firmware_sim.bluez.bus import ADDRESS_VARIABLE, private_bus
from firmware_sim.bluez.daemon import Bluetoothd, bluetoothd
from firmware_sim.bluez.faults import Fault

UNAVAILABLE, USAGE = 69, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon, and the command if there is one; return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    own, command = _split(words)
    options = _parser().parse_args(own)
    try:
        faults = [_fault(text) for text in options.fault]
    except ValueError as error:
        return _complain(str(error), USAGE)
    try:
        adapters = tuple(map(AdapterState, options.adapter)) or (AdapterState.ON,)
        return asyncio.run(_run(options.radio, options.bus, adapters, faults, command))
    except LinkError as error:
        return _complain(str(error), UNAVAILABLE)
    except FileNotFoundError as error:
        return _complain(f"{error.filename}: no such command; name one that is installed", USAGE)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m firmware_sim.bluez",
        usage="%(prog)s --radio ADDRESS [--bus ADDRESS] [--adapter STATE]… "
        "[--fault NAME[:TIMES]]… [-- COMMAND…]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--radio",
        required=True,
        metavar="ADDRESS",
        help="where python -m firmware_sim listens: unix:PATH or tcp:HOST:PORT",
    )
    add("--bus", metavar="ADDRESS", help="a running D-Bus to use (default: a private one)")
    add(
        "--adapter",
        action="append",
        default=[],
        choices=list(map(str, AdapterState)),
        metavar="STATE",
        help="state of the next adapter, hci0 first: " + ", ".join(AdapterState),
    )
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[:TIMES]",
        help="make something fail, once or TIMES times; may be repeated: " + ", ".join(Fault),
    )
    return parser


def _fault(text: str) -> tuple[Fault, int]:
    name, _, times = text.partition(":")
    try:
        return Fault(name), int(times or "1")
    except ValueError as error:
        known = ", ".join(Fault)
        raise ValueError(f"--fault is NAME or NAME:TIMES, not {text!r}; names: {known}") from error


async def _run(
    radio: str,
    bus: str | None,
    adapters: tuple[AdapterState, ...],
    faults: list[tuple[Fault, int]],
    command: list[str],
) -> int:
    async with AsyncExitStack() as stack:
        address = bus or (await stack.enter_async_context(private_bus())).address
        daemon = await stack.enter_async_context(bluetoothd(address, radio, adapters=adapters))
        for fault, times in faults:
            daemon.faults.inject(fault, times)
        if command:
            return await _command(command, address)
        told = _told()
        ready = {"event": "ready", ADDRESS_VARIABLE: address}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await _until(told, daemon)
    return 0


async def _command(command: list[str], address: str) -> int:
    """Run a command with our bus as its system bus; return its exit code.

    A terminal sends SIGINT to the command too; SIGTERM is passed on.
    """
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {ADDRESS_VARIABLE: address}
    )
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, process.terminate)
    return await process.wait()


def _told() -> asyncio.Event:
    """Return an event that is set by SIGINT and SIGTERM."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _until(told: asyncio.Event, daemon: Bluetoothd) -> None:
    ends: list[Coroutine[Any, Any, Any]] = [told.wait(), daemon.over()]
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        ends.append(_end_of_input())
    tasks = [asyncio.ensure_future(end) for end in ends]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.read(1024):
        pass


def _complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"firmware_sim.bluez: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
