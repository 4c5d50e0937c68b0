"""The part of Go's text/template that --format needs, with docker's functions."""
