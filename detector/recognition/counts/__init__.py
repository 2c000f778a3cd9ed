"""How many likely spasms a night had in truth, going by what was found and how often that errs."""
