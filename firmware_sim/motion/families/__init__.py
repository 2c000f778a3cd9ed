"""Families of movement by their physics: held pulls, voluntary acts, mattress, other bodies."""
