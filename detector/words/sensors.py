"""Sentences about which sensor is meant, is heard, or is not, with what to do."""

from __future__ import annotations

NOT_HEARD = "The sensor is not heard. Is it on, near, and not connected to a phone?"


def held_words(device: str) -> str:
    """Return why a chosen sensor may not be heard, and what to do."""
    return (
        f"Your sensor, {device}, is not heard. A sensor that is connected to something is silent "
        "for all\nothers: close its phone app (or switch that phone's Bluetooth off), and end any "
        "`spasmwatch run`\nthat uses it. Otherwise it is off, empty or too far away."
    )


def elsewhere_words(name: str, address: str) -> str:
    """Return that another sensor is heard, which may be the chosen one at a new address.

    Some sensors have a new address after a new battery (polar-ble-sdk issue 370).
    """
    return (
        f"The sensor is not heard, but {name!r} is, at {address}. If that is yours "
        "with a new battery or firmware, choose it with `spasmwatch setup`."
    )


def moved_words(name: str, address: str) -> str:
    """Return that the chosen sensor was found at a new address by its serial number."""
    return (
        f"{name!r} has a new address, {address}, as after a new battery or firmware. It is used, "
        "since its name holds its serial number. Choose it once more with `spasmwatch setup`."
    )


def taken_words(name: str, address: str, others: int) -> str:
    """Return which of several sensors was taken, and how to name another."""
    rest = "another sensor is" if others == 1 else f"{others} other sensors are"
    return (
        f"{name or address!r} at {address} is used because it is nearest; {rest} heard too. If one "
        "of them is yours, choose it with `spasmwatch setup`."
    )
