"""Reading recordings of other makers and writing ours for others."""
