"""Simulates the wearable: a virtual radio, virtual sensors and the movements they measure."""
