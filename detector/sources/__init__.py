"""Sources of packets: a sensor over Bluetooth, or a recording of one."""
