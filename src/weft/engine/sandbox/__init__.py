"""A container's sandbox: namespace, endpoints, ports, names and name-service files."""
