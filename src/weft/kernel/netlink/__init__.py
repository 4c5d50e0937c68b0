"""Netlink on kept raw sockets: the few messages that Weft sends, prebuilt and batched (netlink(7), rtnetlink(7))."""
