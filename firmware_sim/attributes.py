"""A firmware's attributes as bumble characteristics, with the permission checks bumble omits."""

from __future__ import annotations

from collections.abc import Callable

from bumble import att, gatt
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection

from firmware_sim.wearables.firmware import Attribute, Can


class Characteristic(gatt.Characteristic[bytes]):
    """A characteristic that answers an ATT error to what its permissions do not allow.

    bumble 0.0.236 does not check them: it stores whatever is written, or never answers.
    """

    async def read_value(self, bearer: att.Bearer) -> bytes:
        """Return the value, or raise `ATT_Error` where it may not be read."""
        if not self.permissions & self.READABLE:
            raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR, self.handle)
        return await super().read_value(bearer)

    async def write_value(self, bearer: att.Bearer, value: bytes) -> None:
        """Write the value, or raise `ATT_Error` where it may not be written."""
        if not self.permissions & self.WRITEABLE:
            raise att.ATT_Error(att.ATT_WRITE_NOT_PERMITTED_ERROR, self.handle)
        await super().write_value(bearer, value)


_PROPERTIES = {
    Can.READ: Characteristic.Properties.READ,
    Can.WRITE: Characteristic.Properties.WRITE,
    Can.WRITE_SILENTLY: Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    Can.NOTIFY: Characteristic.Properties.NOTIFY,
    Can.INDICATE: Characteristic.Properties.INDICATE,
}


def properties_of(can: Can) -> Characteristic.Properties:
    """Return what a central can do with an attribute, as bumble's properties."""
    properties = Characteristic.Properties(0)
    for one in can:
        properties |= _PROPERTIES[one]
    return properties


def characteristic(
    attribute: Attribute,
    *,
    read: Callable[[Connection], bytes],
    write: Callable[[Connection, bytes], None],
) -> Characteristic:
    """Return a firmware's attribute as a bumble characteristic with these two handlers."""
    may = Characteristic.Permissions
    permissions = may(0)
    if Can.READ in attribute.can:
        permissions |= may.READABLE
    if attribute.can & (Can.WRITE | Can.WRITE_SILENTLY):
        permissions |= may.WRITEABLE
    value = gatt.CharacteristicValue(read=read, write=write)
    properties = properties_of(attribute.can)
    return Characteristic(uuid_of(attribute.uuid), properties, permissions, value)


MOST_ADVERTISED = 31  # octets of a legacy advertisement; the name then goes into the scan response


def advertisements(name: str, services: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Return the advertisement and the scan response."""
    flags = bytes((AdvertisingData.LE_GENERAL_DISCOVERABLE_MODE_FLAG | 0x04,))  # LE only
    parts = [(AdvertisingData.FLAGS, flags)]
    for kind, octets in _LISTS.items():
        listed = b"".join(u for uuid in services if len(u := uuid_of(uuid).to_bytes()) == octets)
        if listed:
            parts.append((kind, listed))
    named = (AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())
    whole = bytes(AdvertisingData([parts[0], named, *parts[1:]]))
    if len(whole) <= MOST_ADVERTISED:
        return whole, b""
    return bytes(AdvertisingData(parts)), bytes(AdvertisingData([named]))


_LISTS = {
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_ASSIGNED = "-0000-1000-8000-00805f9b34fb"


def uuid_of(text: str) -> UUID:
    """Return a UUID of 128 bits; an assigned number is transmitted in its short form."""
    short = text.startswith("0000") and text.endswith(_ASSIGNED)
    return UUID(text[4:8] if short else text)
