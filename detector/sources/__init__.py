"""Where packets come from: a sensor over Bluetooth, or a recording of one."""
