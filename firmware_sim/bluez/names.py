"""BlueZ' names on the bus, from its `doc/org.bluez.*.rst`."""

from __future__ import annotations

SERVICE = "org.bluez"
ROOT = "/org/bluez"

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
BATTERY = "org.bluez.Battery1"
GATT_SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"
