"""From samples to events: the pipeline, its rules and its sequence logic."""
