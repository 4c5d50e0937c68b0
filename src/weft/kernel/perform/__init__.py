"""Performing plans in a worker thread: grouped by namespace and kind, in order, with what undoes them."""
