"""Turning the daemon's answers into what users read."""
