"""Stored images: references, registries, layers, archives, the built-in image."""
