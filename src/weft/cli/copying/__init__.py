"""Copies between containers and the local file system, as docker cp makes them."""
