"""The one way to watch: one sensor, one wearer."""
