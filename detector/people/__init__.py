"""Who may see the page, by which devices, and which of those are told of alerts."""
