"""Simulate sensors: play recordings on virtual Bluetooth sensors, as a process of its own.

Prints one JSON object per line (see `process.serve`) and exits with 0 when every recording was
played. SIGTERM and SIGINT end it earlier. If standard input is a pipe, it also ends when that
pipe is closed, so that it does not outlive the process that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import stat
import sys
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from string import hexdigits
from typing import Any

from detector.errors import ConfigError, RecordingError, RecordingNotFoundError
from firmware_sim.chaos import chaos
from firmware_sim.faults import parse_drop
from firmware_sim.playback import load_trace
from firmware_sim.process import AirPlan, serve
from firmware_sim.script import LARGEST_SEED, Entry, Script, read_script, written
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.catalogue import WEARABLES
from firmware_sim.wearables.pmd import FrameType
from firmware_sim.wearables.polar import VERITY_SENSE, verity_sense

LAST_RESORT_S = 8.0
"""Longer than an orderly end may take (`radio.FLUSH_S`); then the process is ended hard, so that no
orphan stays behind."""

BAD_DATA, NO_INPUT, IO_ERROR, BAD_SCRIPT, USAGE = 65, 66, 74, 78, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    # bumble warns of packets for links that have just ended, which is normal here.
    logging.getLogger("bumble").setLevel(logging.ERROR)
    try:
        plan, script = _plan(options)
        if options.show_script:
            sys.stdout.write(written(script))
            return 0
        asyncio.run(_serve_until_told(plan))
    except ConfigError as error:
        return _complain(str(error), BAD_SCRIPT)
    except RecordingError as error:
        code = NO_INPUT if isinstance(error, RecordingNotFoundError) else BAD_DATA
        return _complain(str(error), code)
    except ValueError as error:
        return _complain(str(error), USAGE)
    except OSError as error:
        return _complain(f"{options.listen}: cannot listen there: {error}", IO_ERROR)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m firmware_sim", description=__doc__)
    add = parser.add_argument
    add(
        "traces",
        nargs="+",
        type=Path,
        metavar="TRACE.npz",
        help="recording to play: acc (n, 3) in g, and fs in Hz",
    )
    add(
        "--listen",
        default="tcp:127.0.0.1:0",
        help="address of the virtual radio: unix:PATH or tcp:HOST:PORT (default: a free port)",
    )
    add(
        "--sensors",
        type=int,
        help="number of sensors; recordings are used in turn (default: one for each recording)",
    )
    add("--model", choices=sorted(WEARABLES), default=VERITY_SENSE.name)
    add(
        "--serial",
        default="3F2A1C29",
        help="serial number of the first sensor, hexadecimal; the others count up from it",
    )
    add("--speed", type=float, default=1.0, help="times faster than real time (default: 1)")
    add(
        "--frame-samples",
        type=int,
        help="most samples in one frame (default: as many as the real sensor sends)",
    )
    add("--counts", action="store_true", help="Verity Sense only: send raw counts instead of mg")
    add(
        "--drop",
        action="append",
        default=[],
        metavar="AT:FOR",
        help="lose the link AT seconds into the recording, FOR seconds long; may be repeated",
    )
    add(
        "--drift-ppm",
        type=float,
        default=0.0,
        help="how much too fast the sensor's clock runs, in millionths (default: 0)",
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument(
        "--script",
        type=Path,
        metavar="FAULTS.toml",
        help="faults to play, from a file (docs/faults.md describes it)",
    )
    faults.add_argument(
        "--chaos",
        type=int,
        metavar="SEED",
        help="random faults; the same seed gives the same faults",
    )
    add("--show-script", action="store_true", help="print the faults as such a file, and exit")
    add("--battery", type=int, default=100, help="charge at the start, per cent (default: 100)")
    return parser


def _plan(options: argparse.Namespace) -> tuple[AirPlan, Script]:
    traces = [load_trace(path) for path in options.traces]
    count = len(traces) if options.sensors is None else options.sensors
    if count < 1:
        raise ValueError(f"--sensors must be 1 or more, got {count}")
    model = WEARABLES[options.model]
    if options.counts and model is not VERITY_SENSE:
        raise ValueError(f"--counts is for a Verity Sense, not for {model.name}")
    common = {
        "model": verity_sense(FrameType.DELTA_COUNTS) if options.counts else model,
        "speed": options.speed,
        "frame_samples": options.frame_samples,
        "drops": tuple(map(parse_drop, options.drop)),
        "drift_ppm": options.drift_ppm,
        "battery_percent": options.battery,
    }
    if not set(options.serial) <= set(hexdigits):
        raise ValueError(f"--serial must be hex digits, got {options.serial!r}")
    first = int(options.serial, 16)
    dealt = tuple(islice(cycle(traces), count))
    script = _script(options, [trace.duration_s for trace in dealt])
    sensors = (
        SensorPlan(
            trace=trace,
            serial=first + i,
            faults=script.faults_of(i + 1),
            seed=script.seed,
            **common,
        )
        for i, trace in enumerate(dealt)
    )
    return AirPlan(options.listen, tuple(sensors), script.neighbours), script


def _script(options: argparse.Namespace, durations_s: list[float]) -> Script:
    """Return the faults of sensors whose recordings have these lengths."""
    if options.script is not None:
        return read_script(options.script, sensors=len(durations_s))
    if options.chaos is None:
        return Script()
    if not 0 <= options.chaos <= LARGEST_SEED:
        raise ValueError(f"--chaos must be a whole number of 0 or more, got {options.chaos}")
    entries = (
        Entry(fault, number)
        for number, duration_s in enumerate(durations_s, 1)
        for fault in chaos(options.chaos, duration_s, sensor=number)
    )
    return Script(tuple(entries), seed=options.chaos)


async def _serve_until_told(plan: AirPlan) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(serve(plan, _print_line))

    def end() -> None:
        serving.cancel()
        loop.call_later(LAST_RESORT_S, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    watching = asyncio.ensure_future(_parent_gone())
    watching.add_done_callback(lambda ended: None if ended.cancelled() else end())
    try:
        with suppress(asyncio.CancelledError):
            await serving
    finally:
        watching.cancel()


async def _parent_gone() -> None:
    """Return when the pipe on standard input has no writer left; never without such a pipe."""
    loop = asyncio.get_running_loop()
    if not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        await loop.create_future()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


def _print_line(event: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # no reader; whether to end is decided by standard input
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def _complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"firmware_sim: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
