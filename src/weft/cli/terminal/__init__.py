"""A container's standard streams at this terminal."""
