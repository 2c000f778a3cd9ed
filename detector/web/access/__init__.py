"""Who may ask the page, and how often: people, their sessions and codes, and the guard."""
