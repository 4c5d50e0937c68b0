"""Use cases: containers, networks, endpoints, published ports, events."""
