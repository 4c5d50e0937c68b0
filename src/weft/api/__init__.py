"""The Docker Engine API over HTTP: routes, JSON shapes, hijacked streams."""
