"""System call filters: profiles, their compilation, and how a runtime is handed them (seccomp(2))."""
