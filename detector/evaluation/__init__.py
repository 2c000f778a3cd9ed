"""Accuracy of the detector, and of other methods on the same samples."""
