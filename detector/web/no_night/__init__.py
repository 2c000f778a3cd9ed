"""What the page shows to this computer while there is no night: why none can begin."""
