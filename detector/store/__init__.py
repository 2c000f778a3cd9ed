"""State, log and recordings, all in SQLite."""
