"""Protocols that the engine needs; edge rooms implement them, the daemon wires them in."""
