"""A wearer's own minimums, and how they are proposed."""
