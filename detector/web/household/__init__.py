"""Several wearers on one screen: the own one, and those that are followed at the broker."""
