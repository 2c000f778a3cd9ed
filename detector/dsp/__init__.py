"""Signal processing on rows of samples: pure numpy, no clock, no I/O."""
