"""The caregivers' page, and the service over HTTP."""
