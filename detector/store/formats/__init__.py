"""Reading recordings of all formats, and writing events for other programs."""
