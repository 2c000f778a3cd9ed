"""An alarm that is heard: when it is due, its tone, and the program that plays it."""
