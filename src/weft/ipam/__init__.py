"""IP address management: which subnets networks get, and which addresses endpoints get. Pure."""
