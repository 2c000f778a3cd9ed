"""Every state of a computer's Bluetooth is waited for, and its remedy, when followed, ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress

import pytest
from dbus_fast import Variant

from detector.alerts.conditions import Condition
from detector.doctor import probes
from detector.doctor.bluetooth import check_adapter
from detector.doctor.check import CheckStatus
from detector.errors import LinkError
from detector.sources import ble, bluez
from detector.sources.nearby import scan
from firmware_sim.bluez.adapter import AdapterState
from firmware_sim.bluez.bus import ADDRESS_VARIABLE, as_system_bus
from firmware_sim.bluez.faults import Fault
from firmware_sim.bluez.names import ADAPTER
from firmware_sim.bluez.objects import PROPERTIES

from .client import client
from .house import House, house, night, release_bleak, sensor

ON, OFF, DEAF, BLOCKED = (
    AdapterState.ON, AdapterState.OFF, AdapterState.DEAF, AdapterState.BLOCKED
)  # fmt: skip


async def _switch_on(here: House) -> None:
    async with client(here.bus.address) as person:
        power = ADAPTER, "Powered", Variant("b", True)
        await person.call(here.daemon.adapter.path, PROPERTIES, "Set", "ssv", *power)


async def _restart(here: House) -> None:
    here.daemon.crash()
    await here.end_bluetoothd()
    await here.start_bluetoothd()


async def _end_bus(here: House) -> None:
    await here.bus.kill()
    await here.end_bluetoothd()


async def _start_bus(here: House) -> None:
    await here.bus.start()
    await here.start_bluetoothd()


# How a computer gets there, what a person is told to type, and what that does to the computer.
STATES = {
    "without D-Bus": (
        _end_bus,
        "sudo systemctl start dbus bluetooth",
        _start_bus,
    ),
    "stopped": (
        lambda here: here.end_bluetoothd(),
        "sudo systemctl start bluetooth",
        lambda here: here.start_bluetoothd(),
    ),
    "off": (
        lambda here: here.daemon.adapter.power(on=False),
        "bluetoothctl power on",
        _switch_on,
    ),
    "blocked": (
        lambda here: here.daemon.adapter.block(blocked=True),
        "rfkill unblock bluetooth",
        lambda here: here.daemon.adapter.block(blocked=False),
    ),
    "pulled out": (
        lambda here: here.daemon.adapter.unplug(),
        "plug one in",
        lambda here: here.daemon.adapter.plug(),
    ),
    "hanging": (
        lambda here: asyncio.sleep(0, here.daemon.faults.inject(Fault.SILENT, 1000)),
        "sudo systemctl restart bluetooth",
        _restart,
    ),
}


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("state", STATES)
def test_a_night_that_begins_in_any_state_says_the_remedy_and_begins_once_it_is_followed(state):
    spoil, command, follow = STATES[state]

    async def law():
        plan = sensor()
        async with house(plan, rfkill=bluez.SYS / "class/rfkill") as here:
            await spoil(here)
            async with night(plan, waits=True) as one:
                with pytest.raises(LinkError) as caught:
                    await scan(0.1)
                check = check_adapter(await probes.bluetooth())
                await one.says(command, command.capitalize())

                told = caught.value.told
                assert one.source.status.trouble == (Condition.BLUETOOTH, told)
                assert command.casefold() in told.casefold()
                assert "demo" not in str(caught.value)
                assert check.status is CheckStatus.FAIL
                assert command in check.fix
                assert check.detail.casefold() in told.casefold()

                await follow(here)
                await one.streams()
                assert one.source.status.trouble is None

    asyncio.run(law())


@pytest.mark.parametrize("states", [(DEAF, ON), (ON, DEAF), (OFF, ON), (ON, OFF)])
def test_of_two_adapters_the_one_that_hears_the_sensor_is_used_and_named(states):
    async def law():
        plan = sensor()
        which = f"hci{states.index(ON)}"
        several = OFF not in states
        async with house(plan, adapters=states):
            (found,) = await scan(0.5)
            assert found.adapter == (which if several else None)
            async with night(plan) as one:
                await one.streams()
                assert (which in one.source.status.remark) is several

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_an_adapter_of_the_settings_is_the_only_one_that_is_used(monkeypatch):
    monkeypatch.setattr(ble, "_SCAN_ROUND_S", 1.0)

    async def law():
        plan = sensor()
        async with house(plan, adapters=(ON, ON)) as here:
            here.daemon.adapters[1].deaf = True
            async with night(plan, hci="hci1") as one:
                await one.says("The sensor is not heard")
                here.daemon.adapters[1].deaf = False
                await one.streams()
                assert here.daemon.adapter.devices == {}
                with pytest.raises(LinkError, match=r"adapter hci7 is not there\. Plug it in, or"):
                    await scan(0.1, hci="hci7")
                await here.daemon.adapters[1].power(on=False)
                with pytest.raises(LinkError, match=r"busctl .*/org/bluez/hci1 "):
                    await scan(0.1, hci="hci1")

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_an_adapter_that_dies_in_the_night_is_replaced_by_the_other():
    async def law():
        plan = sensor(frame_samples=9)  # quiet is measured in frames
        async with house(plan, adapters=(ON, DEAF)) as here, night(plan) as one:
            await one.streams()
            assert "hci0" in one.source.status.remark
            here.daemon.adapters[1].deaf = False
            await here.daemon.adapter.unplug()
            await one.streams_anew()
            assert one.source.status.remark == ""  # there is no choice any more

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_dongle_pulled_and_put_back_is_switched_on_where_the_settings_allow_it(allowed):
    async def law():
        plan = sensor(frame_samples=9)
        async with house(plan) as here, night(plan, switch_on=allowed) as one:
            await one.streams()
            here.daemon.adapter.auto_enable = False
            await here.daemon.adapter.unplug()
            await one.says("has no Bluetooth adapter")
            await here.daemon.adapter.plug()
            if not allowed:
                await one.says("adapter hci0 is switched off. Type: bluetoothctl power on")
                await _switch_on(here)
            await one.streams_anew()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("seen", [True, False])
def test_a_blocked_radio_is_never_switched_on(seen):
    """Flight mode is a person's wish; where /sys does not show it, BlueZ says so."""

    async def law():
        plan = sensor()
        rfkill = bluez.SYS / "class/rfkill" if seen else None
        async with (
            house(plan, adapters=(BLOCKED,), rfkill=rfkill) as here,
            night(plan, switch_on=True, waits=True) as one,
        ):
            await one.says("Bluetooth is blocked (flight mode). Type: rfkill unblock bluetooth")
            await here.daemon.adapter.block(blocked=False)
            await one.streams()

    asyncio.run(law())


async def _spawned(*words, **environ):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
        env=os.environ | environ,
    )  # fmt: skip


@pytest.mark.usefixtures("in_a_hurry")
def test_what_the_sensor_sent_while_bluetoothd_hung_is_not_thrown_away():
    """A process that was stopped for longer than a silent link lives: its queue is read first."""

    async def law():
        plan = sensor(frame_samples=9)  # quiet is measured in frames
        async with house(plan) as here:
            await here.end_bluetoothd()
            frozen = await _spawned("firmware_sim.bluez", "--radio", here.air)
            try:
                ready = json.loads(await frozen.stdout.readline())
                with as_system_bus(ready[ADDRESS_VARIABLE]):
                    async with night(plan) as one:
                        await one.streams()
                        frozen.send_signal(signal.SIGSTOP)
                        await one.says("does not answer. Type: sudo systemctl restart bluetooth")
                        before = one.samples
                        await asyncio.sleep(1.0)  # 20 s of samples: a silent link is over by then
                        frozen.send_signal(signal.SIGCONT)
                        await one.until(lambda: one.samples > before + 20 * plan.trace.fs)
                        await one.streams()
                        status = one.source.status
                        assert (status.sessions, status.late, status.trouble) == (1, 0, None)
                        assert one.clock.gap_count == 0
                    await release_bleak()
            finally:
                with suppress(ProcessLookupError):
                    frozen.send_signal(signal.SIGCONT)
                    frozen.terminate()
                await frozen.communicate()

    asyncio.run(law())


def test_run_waits_for_an_adapter_says_so_at_once_and_ends_on_ctrl_c(tmp_path):
    async def law():
        plan = sensor(speed=1.0)
        settings = tmp_path / "c.toml"
        settings.write_text(f'data_dir = "{tmp_path}/data"\n[mqtt]\nbroker = "none"\n')
        async with house(plan, adapters=(AdapterState.ABSENT,)) as here:
            run = await _spawned("detector", "-c", str(settings), "run",
                                 **{ADDRESS_VARIABLE: here.bus.address})  # fmt: skip
            said = ""
            async with asyncio.timeout(30):
                while "Watching." not in said:
                    line = (await run.stdout.readline()).decode()
                    assert line, (said, await run.stderr.read())
                    said += line
                    if "has no Bluetooth adapter" in line:
                        await here.daemon.adapter.plug()
                run.send_signal(signal.SIGINT)
                await run.communicate()
            assert "No signal" in said.split("Watching.")[0]
            assert run.returncode == 0

    asyncio.run(law())


def test_run_without_a_d_bus_says_what_to_do_and_ends_on_ctrl_c_as_any_night_does(tmp_path):
    async def law():
        settings = tmp_path / "c.toml"
        settings.write_text(f'data_dir = "{tmp_path}/data"\n[mqtt]\nbroker = "none"\n')
        none = f"unix:path={tmp_path}/none"
        run = await _spawned("detector", "-c", str(settings), "run", **{ADDRESS_VARIABLE: none})
        async with asyncio.timeout(30):
            while b"D-Bus does not run" not in (line := await run.stdout.readline()):
                assert line, await run.stderr.read()
            assert b"No signal" in line
            run.send_signal(signal.SIGINT)
            said, _ = await run.communicate()
        assert b"Nothing was watched" in said
        assert run.returncode == 0
        assert not list(tmp_path.rglob("20*.sqlite")), "a night of nothing leaves no file"

    asyncio.run(law())
