"""What lies in containers: looked up, read, written and compared, from outside and never outside of them."""
