"""Watch a night, or a simulated one."""
