"""Use cases of networks: create, remove, connect, disconnect, predefined ones."""
