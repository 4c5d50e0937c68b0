"""The flags of `weft run` and `weft create` that shape the container."""

from __future__ import annotations

from weft.cli.commands.container.creation import checks
from weft.cli.commands.container.creation.resources import RESOURCES
from weft.cli.flags.flag import Flag, duration, many, number, refused, switch, text, without_trust
from weft.cli.flags.mount import parse_mount
from weft.cli.flags.network import parse_network
from weft.cli.flags.pairs import parse_env, parse_label, parse_pair, parse_sysctl

_CGROUPNS = """Cgroup namespace to use (host|private)
'host':    Run the container in the Docker host's cgroup namespace
'private': Run the container in its own private cgroup namespace
'':        Use the cgroup namespace as configured by the
           default-cgroupns-mode option on the daemon (default)"""

_PROCESS = (
    many("attach", "Attach to STDIN, STDOUT or STDERR", short="a", parse=checks.attach),
    many("env", "Set environment variables", short="e", parse=parse_env),
    many("env-file", "Read in a file of environment variables", complete="files"),
    text("entrypoint", "Overwrite the default ENTRYPOINT of the image"),
    many("group-add", "Add additional groups to join"),
    text("hostname", "Container host name", short="h"),
    text("domainname", "Container NIS domain name"),
    switch("init", "Run an init inside the container that forwards signals and reaps processes"),
    switch("interactive", "Keep STDIN open even if not attached", short="i"),
    many("label", "Set meta data on a container", short="l", parse=parse_label),
    many("label-file", "Read in a line delimited file of labels", complete="files"),
    text("name", "Assign a name to the container"),
    text("restart", "Restart policy to apply when a container exits", default="no"),
    switch("rm", "Automatically remove the container and its associated anonymous volumes when it exits"),
    text("stop-signal", "Signal to stop the container", complete="signals"),
    number("stop-timeout", "Timeout (in seconds) to stop a container"),
    switch("tty", "Allocate a pseudo-TTY", short="t"),
    text("user", "Username or UID (format: <name|uid>[:<group|gid>])", short="u"),
    text("workdir", "Working directory inside the container", short="w"),
    text("cidfile", "Write the container ID to the file", complete="files"),
    text("platform", "Set platform if server is multi-platform capable"),
    text("runtime", "Runtime to use for this container"),
    switch("no-healthcheck", "Disable any container-specified HEALTHCHECK"),
)
_HEALTH = (
    text("health-cmd", "Command to run to check health"),
    duration("health-interval", "Time between running the check (ms|s|m|h) (default 0s)"),
    number("health-retries", "Consecutive failures needed to report unhealthy"),
    duration("health-start-interval", "Time between running the check during the start period (ms|s|m|h) (default 0s)"),
    duration(
        "health-start-period",
        "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
    ),
    duration("health-timeout", "Maximum time to allow one check to run (ms|s|m|h) (default 0s)"),
)
_SECURITY = (
    many(
        "annotation",
        "Add an annotation to the container (passed through to the OCI runtime)",
        kind="map",
        parse=parse_pair,
        default_text="map[]",
    ),
    many("cap-add", "Add Linux capabilities"),
    many("cap-drop", "Drop Linux capabilities"),
    text("cgroupns", _CGROUPNS),
    text("ipc", "IPC mode to use"),
    text("pid", "PID namespace to use"),
    switch("privileged", "Give extended privileges to this container"),
    switch("read-only", "Mount the container's root filesystem as read only"),
    many("security-opt", "Security Options"),
    many("sysctl", "Sysctl options", kind="map", parse=parse_sysctl, default_text="map[]"),
    text("userns", "User namespace to use"),
    text("uts", "UTS namespace to use"),
)
_NETWORK = (
    many("add-host", "Add a custom host-to-IP mapping (host:ip)", parse=checks.extra_host),
    many("dns", "Set custom DNS servers", parse=checks.ip_address),
    many("dns-opt", "Set DNS options", hidden=True, target="dns-option"),
    many("dns-option", "Set DNS options"),
    many("dns-search", "Set custom DNS search domains", parse=checks.search_domain),
    many("expose", "Expose a port or a range of ports"),
    text("ip", "IPv4 address (e.g., 172.30.100.104)"),
    text("ip6", "IPv6 address (e.g., 2001:db8::33)"),
    many("link", "Add link to another container"),
    many("link-local-ip", "Container IPv4/IPv6 link-local addresses"),
    text("mac-address", "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    many("net", "Connect a container to a network", parse=parse_network, hidden=True, target="network"),
    many("net-alias", "Add network-scoped alias for the container", hidden=True, target="network-alias"),
    many("network", "Connect a container to a network", kind="network", parse=parse_network, complete="networks"),
    many("network-alias", "Add network-scoped alias for the container"),
    many("publish", "Publish a container's port(s) to the host", short="p"),
    switch("publish-all", "Publish all exposed ports to random ports", short="P"),
)
_STORAGE = (
    text("log-driver", "Logging driver for the container"),
    many("log-opt", "Log driver options"),
    many("mount", "Attach a filesystem mount to the container", kind="mount", parse=parse_mount),
    many("tmpfs", "Mount a tmpfs directory"),
    many("volume", "Bind mount a volume", short="v", complete="volumes"),
    text("volume-driver", "Optional volume driver for the container"),
    many("volumes-from", "Mount volumes from the specified container(s)", complete="containers"),
)


_REFUSED = (
    *(refused(name) for name in ("cpu-count", "cpu-percent", "gpus", "io-maxbandwidth", "io-maxiops")),
    *(refused(name) for name in ("isolation", "kernel-memory", "storage-opt")),
    refused("use-api-socket", takes_value=False),
)


def creation_flags(verb: str) -> tuple[Flag, ...]:
    """Return the flags; `verb` is running or creating, as the help of --pull words it."""
    pulling = (
        text("pull", f'Pull image before {verb} ("always", "missing", "never")', default="missing"),
        switch("quiet", "Suppress the pull output", short="q"),
        switch("help", "Print usage"),
        without_trust("verification"),
    )
    return (*_PROCESS, *_HEALTH, *_SECURITY, *_NETWORK, *_STORAGE, *RESOURCES, *pulling, *_REFUSED)
