"""The service over HTTP, on this computer alone: whether it lives, watches, and its metrics."""
