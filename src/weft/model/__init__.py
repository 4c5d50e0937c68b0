"""Specs, records, ids and errors: frozen, standard library only."""
