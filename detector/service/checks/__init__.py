"""What may be the matter with the monitoring; each check is asked on each tick of a night."""
