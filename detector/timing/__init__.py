"""From packets to samples on one clock: gaps, resets, the true rate."""
