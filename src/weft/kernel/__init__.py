"""Netlink, nftables, namespaces, sysctls: performs plans and observes; sole user of libnftables and setns."""
