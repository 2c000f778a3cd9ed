"""Sans-I/O sensor drivers: bytes in, samples out."""
