"""Laws of the checks on Bluetooth: each hindrance has its name, and the command against it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.doctor.bluetooth import (
    BLUEZ,
    AdapterFacts,
    BluetoothFacts,
    UsbPower,
    check_adapter,
    check_bluetooth,
    check_bluez,
    check_kernel,
    check_permission,
    check_usb_power,
)
from detector.doctor.check import CheckResult, CheckStatus
from detector.words.bluetooth import BluetoothFault, fault_fix, fault_words

FINE = BluetoothFacts(
    adapters=(AdapterFacts("hci0", powered=True),),
    trouble=None,
    bluez="5.82",
    kernel="6.12.9-amd64",
    blocked=None,
    usb=(UsbPower("hci0", "on", "/sys/x/power/control"),),
    user="anna",
)


def without(trouble: BluetoothFault, **facts) -> BluetoothFacts:
    return replace(FINE, adapters=None, trouble=trouble, **facts)


def test_where_all_is_well_nothing_is_to_be_done():
    checks = check_bluetooth(FINE)

    assert {check.status for check in checks} == {CheckStatus.OK}
    assert all(check.fix is None for check in checks)
    assert checks[0].detail == "hci0 powered"


@pytest.mark.parametrize(
    ("facts", "detail", "fix"),
    [
        (replace(FINE, adapters=()), "no Bluetooth adapter", "spasmwatch doctor"),
        (replace(FINE, adapters=(AdapterFacts("hci1", powered=False),)), "hci1 is switched off",
         "bluetoothctl power on"),
        (replace(FINE, blocked=BluetoothFault.BLOCKED), "flight mode", "rfkill unblock bluetooth"),
        (replace(FINE, blocked=BluetoothFault.SWITCH), "key or switch", "use that switch"),
        (without(BluetoothFault.NO_BUS), "D-Bus does not run", "systemctl start dbus"),
        (without(BluetoothFault.NOT_RUNNING), "is not running", "systemctl start bluetooth"),
        (without(BluetoothFault.NOT_RUNNING, bluez=None), "not installed",
         "sudo apt install bluez && sudo systemctl enable --now bluetooth"),
        (without(BluetoothFault.NO_BUS, bluez=None), "not installed",
         "sudo apt install bluez && sudo systemctl enable --now bluetooth"),
        (without(BluetoothFault.NO_ANSWER), "does not answer", "systemctl restart bluetooth"),
    ],
)  # fmt: skip
def test_every_hindrance_fails_with_its_name_and_command(facts, detail, fix):
    check = check_adapter(facts)

    assert check.status is CheckStatus.FAIL
    assert detail in check.detail
    assert fix in (check.fix or "")


@pytest.mark.parametrize("fault", BluetoothFault)
def test_without_systemd_no_remedy_needs_it(fault):
    assert "systemctl" not in fault_fix(fault, systemd=False)
    assert "systemctl" not in fault_words(fault, systemd=False)


def test_the_version_of_a_bluez_that_is_not_installed_is_not_checked():
    missing = check_bluetooth(without(BluetoothFault.NO_BUS, bluez=None))
    there = check_bluetooth(without(BluetoothFault.NO_BUS))

    assert BLUEZ not in {check.name for check in missing}
    assert BLUEZ in {check.name for check in there}


def test_one_adapter_that_is_on_is_enough():
    adapters = (AdapterFacts("hci0", powered=False), AdapterFacts("hci1", powered=True))

    assert check_adapter(replace(FINE, adapters=adapters)).detail == "hci1 powered"


def test_who_may_not_is_told_which_group_and_no_shell_is_fooled():
    check = check_permission(without(BluetoothFault.DENIED, user="anna; rm -rf /"))

    assert check.status is CheckStatus.FAIL
    assert "usermod -aG bluetooth 'anna; rm -rf /'" in (check.fix or "")
    assert check_adapter(without(BluetoothFault.DENIED)).status is CheckStatus.SKIP


@pytest.mark.parametrize(
    ("version", "status"),
    [("5.82", "ok"), ("5.66", "ok"), ("6.0", "ok"), ("5.65", "warn"), ("5.55", "warn"),
     ("5.54", "FAIL"), ("5.9", "FAIL"), ("4.101", "FAIL"), (None, "warn"), ("odd", "warn")],
)  # fmt: skip
def test_bluez_is_judged_by_its_numbers(version, status):
    assert check_bluez(version).status == status


@pytest.mark.parametrize(
    ("release", "status"),
    [("6.6.0", "ok"), ("6.12.9+rpt-rpi-v8", "ok"), ("10.0", "ok"), ("6.1.0-26-amd64", "warn"),
     ("5.15.0-1", "warn"), ("", "ok")],
)  # fmt: skip
def test_a_kernel_below_6_6_gets_a_hint(release, status):
    assert check_kernel(release).status == status


def test_a_port_that_may_sleep_gets_the_command_that_keeps_it_awake():
    (check,) = check_usb_power((UsbPower("hci0", "auto", "/sys/a b/power/control"),))

    assert check.status is CheckStatus.WARN
    assert "tee '/sys/a b/power/control'" in (check.fix or "")


def test_a_reason_not_to_look_is_said_once():
    (check,) = check_bluetooth("not looked at")

    assert (check.status, check.detail) == (CheckStatus.SKIP, "not looked at")


FACTS = st.builds(
    BluetoothFacts,
    adapters=st.none() | st.tuples(st.builds(AdapterFacts, st.text(), st.booleans())) | st.just(()),
    trouble=st.none() | st.sampled_from(BluetoothFault),
    bluez=st.none() | st.text(),
    kernel=st.text(),
    blocked=st.none() | st.sampled_from(BluetoothFault),
    usb=st.tuples() | st.tuples(st.builds(UsbPower, st.text(), st.text(), st.text())),
    user=st.text(),
)


@given(FACTS)
def test_whatever_is_found_every_failure_says_what_to_do(facts):
    for check in check_bluetooth(facts):
        assert check.status is not CheckStatus.FAIL or check.fix


def test_a_failure_without_a_remedy_cannot_be_made():
    with pytest.raises(ValueError, match="without saying what to do"):
        CheckResult("Disk", CheckStatus.FAIL, "full")
