"""`python -m firmware_sim.bluez` runs the product's Linux path on a machine without a radio."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from firmware_sim.bluez.__main__ import main
from firmware_sim.bluez.bus import ADDRESS_VARIABLE

from .house import house, sensor

BLUEZ = sys.executable, "-m", "firmware_sim.bluez", "--radio"
SPASMWATCH = sys.executable, "-m", "detector"
PATIENCE_S = 30.0


async def spawn(*command, stdin=DEVNULL):
    return await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=PIPE, stderr=PIPE)


def test_spasmwatch_scan_finds_a_sensor_through_it(tmp_path):
    async def law():
        plan = sensor()
        async with house(plan) as here:
            scan = *SPASMWATCH, "scan", "--timeout", "1", "--json"
            process = await spawn(*BLUEZ, here.air, "--", *scan)
            async with asyncio.timeout(PATIENCE_S):
                said, _ = await process.communicate()
            assert process.returncode == 0
            found = [json.loads(line) for line in said.splitlines()]
            assert [one["address"] for one in found] == [plan.address]

    asyncio.run(law())


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "end of its input", "end of the bus"])
def test_it_ends_in_good_order_and_takes_its_bus_along(how):
    async def law():
        async with house(sensor()) as here:
            own = ["--bus", here.bus.address] if how == "end of the bus" else []
            await here.end_bluetoothd()
            process = await spawn(*BLUEZ, here.air, *own, stdin=PIPE)
            async with asyncio.timeout(PATIENCE_S):
                ready = json.loads(await process.stdout.readline())
                address = Path(ready[ADDRESS_VARIABLE].removeprefix("unix:path="))
                assert address.is_socket()
                if how == "end of its input":
                    process.stdin.close()
                elif how == "end of the bus":
                    await here.bus.kill()
                else:
                    process.send_signal(signal.Signals[how])
                said, complaint = await process.communicate()
            assert (process.returncode, said, complaint) == (0, b"", b"")
            assert not address.exists()

    asyncio.run(law())


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--radio", "unix:/nowhere"], 69, "start the simulator"),
        (["--radio", "unix:/nowhere", "--bus", "unix:path=/nowhere"], 69, "no D-Bus at"),
        (["--radio", "unix:/nowhere", "--fault", "rain"], 2, "NAME or NAME:TIMES, not 'rain'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(arguments, code, sentence, capfd):
    assert main(arguments) == code
    said, complaint = capfd.readouterr()
    assert said == ""
    assert sentence in complaint
    assert complaint.count("\n") == 1


def test_the_bus_of_this_machine_is_never_taken():
    assert ADDRESS_VARIABLE not in os.environ
