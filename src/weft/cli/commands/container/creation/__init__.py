"""What `weft run` and `weft create` share: flags, the request made of them, creating, pulling."""
