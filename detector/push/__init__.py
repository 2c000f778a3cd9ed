"""Push to phones: who is told what, in which words, and whether a server took it."""
