"""Records on disk: SQLite for one machine."""
