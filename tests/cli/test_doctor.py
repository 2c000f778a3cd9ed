"""Laws of `doctor`: facts of this machine as they are, a sensor looked at, nothing given away."""

from __future__ import annotations

import asyncio
import getpass
import json
import platform
import shutil
import socket
from pathlib import Path

import pytest

from detector.config import read_configuration
from detector.doctor import probes
from detector.doctor.bluetooth import UsbPower
from detector.mqtt.broker import provide
from detector.sources import bluez
from detector.sources.bluez import AdapterFacts
from detector.store.state import State
from detector.words.bluetooth import BluetoothFault
from firmware_sim.bluez.bus import as_system_bus, private_bus
from firmware_sim.bluez.daemon import bluetoothd
from firmware_sim.bluez.faults import Fault

from ..kit.brokers import free_port
from ..kit.tools import needs
from .airs import on_air


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    with on_air(tmp_path_factory.mktemp("air"), "--battery", 15, "--sensors", 2) as air:
        yield air


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(
        '[wearer]\ntime_zone = "Europe/Berlin"\n'
        '[sensor]\ndevice = "C0:5E:3F:2A:1C:29"\n[mqtt]\nbroker = "none"\n'
    )
    return file


def checks(done) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_sensor_is_looked_at_and_the_rest_is_said_line_by_line(spasmwatch, air, config, tmp_path):
    done = spasmwatch("-c", config, "--data-dir", tmp_path, "doctor", *air.reach)

    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("Settings file", "Data folder", "MQTT broker", "Sensor clock", "Lost samples"):
        assert line in done.stdout
    assert "Polar Sense 3F2A1C29 (polar-verity-sense) streams" in done.stdout
    assert "(want 52)" in done.stdout
    assert " warn  Battery                15 %: charge it" in done.stdout
    assert "doctor --share" in done.stderr


def test_what_is_shared_gives_nobody_away(spasmwatch, air, config, tmp_path):
    named = tmp_path / "Polar.toml"
    named.write_text(config.read_text().replace("C0:5E:3F:2A:1C:29", "Polar Sense 3F2A1C29"))
    words = ["-c", named, "--data-dir", tmp_path, "doctor", "--look", "3", *air.reach, "--share"]
    for done in (spasmwatch(*words), spasmwatch(*words, "--json")):
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3F2A1C29" not in done.stdout
        assert "<sensor-1>" in done.stdout
        names = {getpass.getuser(), platform.node()}
        assert not names & set(done.stdout.replace("/", " ").replace('"', " ").split())


def test_every_sensor_that_is_worn_is_looked_at(spasmwatch, air, config, tmp_path):
    second = '[[another_sensor]]\ndevice = "C0:5E:3F:2A:1C:2A"\nlabel = "right"\n'
    config.write_text(config.read_text() + second)
    words = ["-c", config, "--data-dir", tmp_path, "doctor", "--look", "3", "--json", *air.reach]
    found = checks(spasmwatch(*words))
    one = checks(spasmwatch(*words, "--device", "C0:5E:3F:2A:1C:2A"))

    assert "3F2A1C29" in found["Sensor, leg"]["detail"]
    assert "3F2A1C2A" in found["Sensor, right"]["detail"]
    assert "3F2A1C2A" in one["Sensor"]["detail"]


def test_wrong_settings_fail_and_the_rest_is_looked_at_all_the_same(spasmwatch, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[mqtt]\npassword = "canary"\nbroker = "mqtt://geheim.lan/x"\n')
    words = ["-c", config, "--data-dir", tmp_path, "doctor", "--look", "0", "--radio", "unix:x"]
    done = spasmwatch(*words, "--json", "--share")
    found = checks(done)

    assert done.returncode == 1
    assert found["Settings file"]["status"] == "FAIL"
    assert "line 3" in found["Settings file"]["detail"]
    assert "config check" in found["Settings file"]["fix"]
    assert found["Sensor"]["status"] == "skip"
    assert "canary" not in done.stdout
    assert "geheim" not in done.stdout
    assert "geheim" in spasmwatch(*words).stdout


def test_a_broker_that_is_not_there_fails_and_its_password_is_not_told(
    spasmwatch, tmp_path, monkeypatch
):
    monkeypatch.setattr(bluez, "ANSWER_S", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        config = tmp_path / "c.toml"
        config.write_text(
            f'[mqtt]\nbroker = "mqtt://127.0.0.1:{port}"\nusername = "me"\npassword = "canary"\n'
        )
        config.chmod(0o600)
        words = ["-c", config, "--data-dir", tmp_path, "doctor", "--look", "0", "--json"]
        done = spasmwatch(*words, "--radio", "unix:x")
    broker = checks(done)["MQTT broker"]

    assert done.returncode == 1
    assert broker["status"] == "FAIL"
    assert str(port) in broker["detail"]
    assert f"nano {config}" in broker["fix"]
    assert "canary" not in done.stdout


def test_our_own_broker_is_started_and_asked():
    settings = read_configuration(environ={}, flags={"mqtt.port": free_port()}).settings
    facts = asyncio.run(probes.broker(settings))

    assert facts.problem is None
    assert facts.kind in {"mosquitto", "embedded"}
    assert facts.round_trip_ms is not None


def test_a_broker_that_takes_no_discovery_or_where_nobody_wants_it_is_told(tmp_path):
    wearer = "k3vq7m2xta"
    with State.open(tmp_path / "state.sqlite", wearer=wearer):
        pass
    flags = {"data_dir": tmp_path, "mqtt.port": free_port(), "mqtt.home_assistant": True}

    async def found():
        return await probes.broker(read_configuration(environ={}, flags=flags).settings)

    facts = asyncio.run(found())
    assert facts.home_assistant is not None
    assert facts.home_assistant.topic == f"homeassistant/device/spasmwatch_{wearer}/config"
    assert facts.home_assistant.problem is None
    assert facts.home_assistant.nobody == (facts.kind == "mosquitto")
    flags["mqtt.home_assistant"] = False
    assert asyncio.run(found()).home_assistant is None


def test_a_broker_on_our_port_is_told_from_another_program():
    async def ask() -> tuple:
        port = free_port()
        settings = read_configuration(environ={}, flags={"mqtt.port": port}).settings
        async with provide("auto", port=port):
            there = await probes.broker(settings)
        with socket.create_server(("127.0.0.1", port)):
            stranger = await probes.broker(settings)
        return there, stranger

    there, stranger = asyncio.run(ask())

    assert (there.kind, there.problem) == ("found", None)
    assert stranger.problem is None
    assert "cannot be used" in stranger.note
    assert "own broker listens on another, free port" in stranger.note


needs_bus = needs(shutil.which("dbus-daemon"), "dbus-daemon is missing: apt-get install dbus")


def test_without_a_bus_the_bus_is_what_is_missing(tmp_path):
    with as_system_bus(f"unix:path={tmp_path}/none"):
        facts = asyncio.run(probes.bluetooth(tmp_path))

    assert (facts.adapters, facts.trouble) == (None, BluetoothFault.NO_BUS)


@needs_bus
def test_without_bluez_bluez_is_what_is_missing(tmp_path):
    async def ask():
        async with private_bus() as bus:
            with as_system_bus(bus.address):
                return await probes.bluetooth(tmp_path)

    missing = {BluetoothFault.NOT_RUNNING, BluetoothFault.NOT_INSTALLED}
    assert asyncio.run(ask()).trouble in missing


@needs_bus
@pytest.mark.parametrize(
    ("fault", "adapters", "trouble"),
    [
        (None, (AdapterFacts("hci0", powered=True),), None),
        (Fault.ACCESS_DENIED, None, BluetoothFault.DENIED),
        (Fault.SILENT, None, BluetoothFault.NO_ANSWER),
    ],
)
def test_bluez_is_asked_as_it_is(air, tmp_path, monkeypatch, fault, adapters, trouble):
    monkeypatch.setattr(bluez, "ANSWER_S", 0.5)

    async def ask():
        async with private_bus() as bus, bluetoothd(bus.address, air.address) as daemon:
            if fault is not None:
                daemon.faults.inject(fault, 100)
            with as_system_bus(bus.address):
                return await probes.bluetooth(tmp_path)

    facts = asyncio.run(ask())

    assert (facts.adapters, facts.trouble) == (adapters, trouble)
    assert facts.kernel == platform.release()


def system(folder: Path, **files: str) -> Path:
    """A /sys with these files in it."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder


@pytest.mark.parametrize(
    ("hard", "soft", "kind", "verdict"),
    [
        ("0", "0", "bluetooth", None),
        ("0", "1", "bluetooth", BluetoothFault.BLOCKED),
        ("1", "1", "bluetooth", BluetoothFault.SWITCH),
        ("1", "1", "wlan", None),
    ],
)
def test_a_blocked_radio_is_seen(tmp_path, hard, soft, kind, verdict):
    at = "class__rfkill__rfkill0__"
    system(tmp_path, **{at + "hard": hard, at + "soft": soft, at + "type": kind})

    assert bluez.rfkill(tmp_path) is verdict
    assert bluez.rfkill(tmp_path / "none") is None


def test_how_a_usb_port_saves_power_is_read_from_above_its_interface(tmp_path):
    port = "devices__pci0__usb1__1-4__"
    system(tmp_path, **{port + "power__control": "auto", port + "1-4:1.0__x": ""})
    interface = tmp_path / "devices/pci0/usb1/1-4/1-4:1.0"
    (tmp_path / "class/bluetooth/hci0").mkdir(parents=True)
    (tmp_path / "class/bluetooth/hci0:64").mkdir()
    (tmp_path / "class/bluetooth/hci0/device").symlink_to(interface)
    control = tmp_path / "devices/pci0/usb1/1-4/power/control"

    assert probes.usb_power(tmp_path) == (UsbPower("hci0", "auto", str(control)),)
    assert probes.usb_power(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("said", "version"),
    [("bluetoothctl: 5.66\n", "5.66"), ("5.82", "5.82"), ("", None), ("no such option", None)],
)
def test_the_version_of_bluez_is_what_bluetoothctl_says(said, version):
    assert probes.bluez_version(lambda _: said) == version


def test_a_folder_is_judged_without_being_made(tmp_path):
    missing = tmp_path / "a" / "b"
    fine = probes.folder(missing)
    (tmp_path / "file").touch()

    assert (fine.problem, missing.exists()) == (None, False)
    assert fine.free_bytes
    assert not list(tmp_path.glob("tmp*"))
    in_file = probes.folder(tmp_path / "file" / "b")
    assert "is not a folder" in (in_file.problem or "")
    assert (fine.impossible, in_file.impossible) == (False, True)


@pytest.mark.skipif(platform.system() != "Linux", reason="there is no /proc")
def test_a_folder_in_proc_is_impossible_for_everybody():
    facts = probes.folder(Path("/proc/x"))

    assert (facts.problem, facts.impossible) == ("/proc cannot be written to", True)


def test_the_zone_is_read_from_where_the_system_keeps_it(tmp_path, monkeypatch):
    monkeypatch.delenv("TZ", raising=False)
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    settings = read_configuration(environ={}, flags={"wearer.time_zone": "Asia/Tokyo"}).settings
    facts = probes.zone(settings, link)

    assert facts.computer == "Asia/Tokyo"
    assert facts.configured_offset is not None
    assert facts.configured_offset.total_seconds() == 9 * 3600


def test_the_kernel_is_asked_for_its_clock():
    error_s = probes.clock().largest_error_s

    assert error_s is None or error_s >= 0
    assert (error_s is None) == (platform.system() != "Linux")


def test_a_file_of_keys_that_cannot_be_used_fails_before_the_night(spasmwatch, tmp_path):
    (tmp_path / "c.toml").write_text(f'[mqtt]\nsigning_file = "{tmp_path}/none.keys"\n')
    words = ["-c", tmp_path / "c.toml", "--data-dir", tmp_path, "doctor", "--look", "0", "--json"]
    broker = checks(spasmwatch(*words, "--radio", "unix:x"))["MQTT broker"]
    assert broker["status"] == "FAIL"
    assert "none.keys" in broker["detail"]
    assert "setup tls" in broker["detail"]
