"""Use cases of containers: create, run, stop, list, remove."""
