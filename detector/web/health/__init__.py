"""The service as monitoring sees it: whether it lives, watches, and its metrics."""
