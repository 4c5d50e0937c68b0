"""Streams: hijacked connections, framing, detach keys, streamed responses."""
