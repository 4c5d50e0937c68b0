"""One module a section of the table; each measures and returns rows."""
