"""The caregivers' page, and the service over HTTP: whether it lives, watches, and its metrics."""
