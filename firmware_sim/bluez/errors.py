"""The error replies of bluetoothd, under BlueZ' own names."""

from __future__ import annotations

from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode

_Code = BleakGATTProtocolErrorCode


class BluezError(Exception):
    """An error reply: a D-Bus error name and a text. BlueZ' clients read both."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"[{name}] {text}")
        self.name = name
        self.text = text


def bluez_error(kind: str, text: str) -> BluezError:
    """Return an `org.bluez.Error`; texts are those of BlueZ' `src/error.c`."""
    return BluezError(f"org.bluez.Error.{kind}", text)


def failed(text: str) -> BluezError:
    """Return the error for everything without a name of its own."""
    return bluez_error("Failed", text)


def in_progress() -> BluezError:
    """Return the error for an operation that is under way already."""
    return bluez_error("InProgress", "Operation already in progress")


def not_ready() -> BluezError:
    """Return the error of an adapter that is switched off."""
    return bluez_error("NotReady", "Resource Not Ready")


def not_supported() -> BluezError:
    """Return the error for what this device or this daemon does not support."""
    return bluez_error("NotSupported", "Operation is not supported")


def not_permitted(text: str) -> BluezError:
    """Return the error for what the peer refuses, or what another client holds."""
    return bluez_error("NotPermitted", text)


def unknown(what: str, name: str) -> BluezError:
    """Return libdbus' error for an object, interface, method or property that does not exist."""
    return BluezError(f"org.freedesktop.DBus.Error.Unknown{what}", f"There is no {name}")


# As `create_gatt_dbus_error` of BlueZ' `src/gatt-client.c` maps a peer's ATT errors; any other
# code is put into the text of a Failed, from which bleak parses it.
_OF_PEERS = {
    _Code.READ_NOT_PERMITTED: ("NotPermitted", "Read not permitted"),
    _Code.WRITE_NOT_PERMITTED: ("NotPermitted", "Write not permitted"),
    _Code.INSUFFICIENT_AUTHENTICATION: ("NotPermitted", "Not paired"),
    _Code.INSUFFICIENT_ENCRYPTION: ("NotPermitted", "Not paired"),
    _Code.INVALID_OFFSET: ("InvalidArguments", "Invalid offset"),
    _Code.INVALID_ATTRIBUTE_VALUE_LENGTH: ("InvalidArguments", "Invalid Length"),
    _Code.INSUFFICIENT_AUTHORIZATION: ("NotAuthorized", "Operation Not Authorized"),
    _Code.REQUEST_NOT_SUPPORTED: ("NotSupported", "Operation is not supported"),
}


def of_peer(error: BleakGATTProtocolError) -> BluezError:
    """Return the error for a peer's ATT error response."""
    if error.code in _OF_PEERS:
        return bluez_error(*_OF_PEERS[error.code])
    return failed(f"Operation failed with ATT error: 0x{int(error.code):02x}")
