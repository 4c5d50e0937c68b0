"""Publish, isolate, masquerade: pure, from the model to the desired nftables state."""
