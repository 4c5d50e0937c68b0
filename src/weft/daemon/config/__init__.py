"""dockerd's flags and daemon.json: every option that dockerd 28 knows is supported, without effect here, or refused."""
