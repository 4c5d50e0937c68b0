"""Network drivers: pure planners, from records and facts to operations on the kernel."""
