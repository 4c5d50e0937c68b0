"""Configuration, wiring, supervision and recovery of the daemon; imported by nobody."""
