"""A bluetoothd without Bluetooth: `org.bluez` on a D-Bus of our own, its radio the virtual air."""
