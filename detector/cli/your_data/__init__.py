"""What is kept of nights: look at it, take it elsewhere, keep it safe, delete it."""
