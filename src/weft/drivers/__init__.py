"""Network drivers: pure planners from a spec and facts to a plan."""
