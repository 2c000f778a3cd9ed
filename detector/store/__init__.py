"""What must not be forgotten: state, log and recordings, all in SQLite."""
