"""Addresses from DHCP servers on the wire, by one udhcpc (busybox) an endpoint."""
