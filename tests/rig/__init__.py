"""Throw-away hosts, engines under test, the real docker CLI on a terminal, a registry and a small internet."""
