"""Carries what NAT cannot: connections and datagrams between IPv6 addresses of the host and containers without IPv6."""
