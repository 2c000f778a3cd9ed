"""What a night leaves on disk, and how another process goes on with it."""
