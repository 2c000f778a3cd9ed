"""What commands have in common on a terminal: options, output, sentences and exit codes."""
