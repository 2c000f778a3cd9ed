"""The composition root: source to store to world, and the watch over all of them."""
