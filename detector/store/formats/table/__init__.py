"""CSV, TSV and other text tables as other programs write them."""
