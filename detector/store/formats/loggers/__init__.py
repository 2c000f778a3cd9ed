"""Files that research accelerometers write, read so that a damaged page costs only itself."""
