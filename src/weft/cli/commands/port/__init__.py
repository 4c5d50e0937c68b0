"""`weft port …`, a module a command."""
