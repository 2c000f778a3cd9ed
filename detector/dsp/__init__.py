"""Signal processing on rows of samples: pure numpy and scipy, no clock, no I/O."""
