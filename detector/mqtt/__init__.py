"""Events and state out over MQTT 5, commands in."""
