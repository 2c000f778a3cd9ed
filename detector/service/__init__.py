"""The composition root: sources, night, store and channels, all of them supervised."""
