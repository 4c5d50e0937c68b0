"""The weft command: docker's words, flags and output."""
