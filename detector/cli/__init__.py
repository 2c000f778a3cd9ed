"""The command line: thin commands, one file per group, each delegating to a room below."""
