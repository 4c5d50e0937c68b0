"""Netlink, nftables, namespaces, sysctls: performs plans and observes; sole user of pyroute2, libnftables and setns."""
