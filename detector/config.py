"""Settings: the only place with defaults."""
