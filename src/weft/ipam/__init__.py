"""Address pools and address allocation: pure."""
