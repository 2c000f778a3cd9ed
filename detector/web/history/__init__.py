"""Earlier nights on the page, and why an event was found. Looked up when somebody asks."""
