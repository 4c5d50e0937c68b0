"""A typed client of the Engine API, for the CLI."""
