"""Home Assistant: what it is told to show, what its buttons mean, and a blueprint for phones."""
