"""A simulated bluetoothd: `org.bluez` on a private D-Bus, connected to the virtual radio."""
