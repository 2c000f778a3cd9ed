"""Tonight as the page shows it: one value, made anew each second, and sent to every page."""
