"""What must not be forgotten: state, outbox and recordings, all in SQLite."""
