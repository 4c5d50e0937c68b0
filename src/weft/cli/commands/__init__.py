"""The commands, a folder a noun."""
