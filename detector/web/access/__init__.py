"""Who may ask the page, and how often: codes, limits and the guard."""
