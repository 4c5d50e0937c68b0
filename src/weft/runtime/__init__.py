"""OCI runtime, process supervision, images, layers, volumes; sole user of runc, crun, conmon and skopeo."""
