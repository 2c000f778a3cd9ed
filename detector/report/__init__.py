"""A night in figures, for a person and for their clinician: text, JSON, HTML and PDF."""
