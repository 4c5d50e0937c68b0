"""Programs outside that manage networks and addresses: v1 plugins, CNI plugins, DHCP clients."""
