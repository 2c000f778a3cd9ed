"""The firmware of virtual sensors: bytes in, bytes out, one file a family."""
