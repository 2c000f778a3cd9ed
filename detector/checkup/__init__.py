"""Whether all is as a night needs it. Pure: facts go in, what they mean and what to do come out."""
