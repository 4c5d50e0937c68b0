"""nftables through libnftables: contexts, the text of operations, and the tables that are ours."""
