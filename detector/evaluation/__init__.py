"""How well the detector finds what really happened, and how well others do on the same samples."""
