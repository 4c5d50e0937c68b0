"""Command-line flags as docker's users know them: parsing, values, usage text."""
