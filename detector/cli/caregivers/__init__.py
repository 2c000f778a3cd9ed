"""Who is told of a night, and how they listen and answer."""
