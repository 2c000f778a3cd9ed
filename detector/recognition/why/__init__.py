"""Why something was found at a moment, or not."""
