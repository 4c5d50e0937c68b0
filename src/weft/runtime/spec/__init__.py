"""From a container's record to the OCI runtime's configuration (OCI runtime-spec 1.0)."""
