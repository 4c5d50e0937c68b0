"""Every option of dockerd 28 on Linux (its flags and the keys of daemon.json), with what Weft makes of it."""

from weft.daemon.config.option import Effect, Kind, Option
from weft.model.exposure import OPEN

DEFAULT_CONFIG_FILE = "/etc/weft/daemon.json"
DEFAULT_HOST = "unix:///run/weft.sock"


def _none(key: str, kind: Kind, reason: str, *, flag: str | None = None, default: object = None) -> Option:
    """Return an option that makes no difference; its value is checked all the same."""
    return Option(
        key=key, kind=kind, flag=key if flag is None else flag, default=default, effect=Effect.NONE, reason=reason
    )


def _refused(key: str, kind: Kind, reason: str, *harmless: object, flag: str | None = None) -> Option:
    """Return an option that Weft cannot follow."""
    return Option(
        key=key, kind=kind, flag=key if flag is None else flag, effect=Effect.REFUSED, reason=reason, harmless=harmless
    )


_DAEMON = (
    Option(key="hosts", kind=Kind.TEXTS, flag="host", letter="H", default=(), help="Daemon socket(s) to connect to"),
    Option(key="data-root", kind=Kind.PATH, flag="data-root", default="/var/lib/weft",
           help="Root directory of persistent state"),
    Option(key="exec-root", kind=Kind.PATH, flag="exec-root", default="/run/weft",
           help="Root directory for execution state files"),
    Option(key="pidfile", kind=Kind.PATH, flag="pidfile", letter="p", default="",
           help='Path to use for daemon PID file (default "weft.pid" in exec-root)'),
    Option(key="debug", kind=Kind.BOOL, flag="debug", letter="D", default=False, reloads=True,
           help="Enable debug mode"),
    Option(key="log-level", kind=Kind.TEXT, flag="log-level", letter="l", default="info",
           help='Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")'),
    Option(key="log-format", kind=Kind.TEXT, flag="log-format", default="text",
           help='Set the logging format ("text"|"json")'),
    Option(key="group", kind=Kind.TEXT, flag="group", letter="G", default="docker",
           help="Group for the unix socket"),
    Option(key="tls", kind=Kind.BOOL, flag="tls", default=False, help="Use TLS; implied by --tlsverify"),
    Option(key="tlsverify", kind=Kind.BOOL, flag="tlsverify", default=False, help="Use TLS and verify the remote"),
    Option(key="tlscacert", kind=Kind.TEXT, flag="tlscacert", default="~/.docker/ca.pem",
           help="Trust certs signed only by this CA"),
    Option(key="tlscert", kind=Kind.TEXT, flag="tlscert", default="~/.docker/cert.pem",
           help="Path to TLS certificate file"),
    Option(key="tlskey", kind=Kind.TEXT, flag="tlskey", default="~/.docker/key.pem", help="Path to TLS key file"),
    Option(key="labels", kind=Kind.TEXTS, flag="label", default=(), reloads=True,
           help="Set key=value labels to the daemon"),
    _none("shutdown-timeout", Kind.INT, "containers go on when the daemon stops", default=15),
    _none("experimental", Kind.BOOL, "there are no experimental features", default=False),
)  # fmt: skip

_BRIDGE = (
    Option(key="bridge", kind=Kind.TEXT, flag="bridge", letter="b", default="",
           help='Attach containers to a network bridge; "none" for no default bridge network'),
    Option(key="bip", kind=Kind.IPV4_INTERFACE, flag="bip", help="IPv4 address for the default bridge"),
    Option(key="bip6", kind=Kind.IPV6_INTERFACE, flag="bip6", help="IPv6 address for the default bridge"),
    Option(key="fixed-cidr", kind=Kind.IPV4_SUBNET, flag="fixed-cidr",
           help="IPv4 subnet for the default bridge network"),
    Option(key="fixed-cidr-v6", kind=Kind.IPV6_SUBNET, flag="fixed-cidr-v6",
           help="IPv6 subnet for the default bridge network"),
    Option(key="default-gateway", kind=Kind.IPV4, flag="default-gateway",
           help="Default gateway IPv4 address for the default bridge network"),
    Option(key="default-gateway-v6", kind=Kind.IPV6, flag="default-gateway-v6",
           help="Default gateway IPv6 address for the default bridge network"),
    Option(key="mtu", kind=Kind.INT, flag="mtu", default=0, help='Set the MTU for the default "bridge" network'),
    Option(key="ip", kind=Kind.IP, flag="ip", help="Host IP for port publishing from the default bridge network"),
    Option(key="ipv6", kind=Kind.BOOL, flag="ipv6", default=False,
           help="Enable IPv6 networking for the default bridge network"),
    Option(key="icc", kind=Kind.BOOL, flag="icc", default=True,
           help="Enable inter-container communication for the default bridge network"),
    Option(key="ip-masq", kind=Kind.BOOL, flag="ip-masq", default=True,
           help="Enable IP masquerading for the default bridge network"),
)  # fmt: skip

_NETWORK = (
    Option(key="ip-forward", kind=Kind.BOOL, flag="ip-forward", default=True,
           help="Enable IP forwarding in system configuration"),
    Option(key="default-address-pools", kind=Kind.POOLS, flag="default-address-pool", default=(),
           help="Default address pools for node specific local networks (base=SUBNET,size=LENGTH)"),
    Option(key="default-network-opts", kind=Kind.MAP_MAP, flag="default-network-opt", default={},
           help="Default network options (DRIVER=OPTION=VALUE)"),
    Option(key="dns", kind=Kind.IPS, flag="dns", default=(), help="DNS server to use"),
    Option(key="dns-opts", kind=Kind.TEXTS, flag="dns-opt", default=(), help="DNS options to use"),
    Option(key="dns-search", kind=Kind.TEXTS, flag="dns-search", default=(), help="DNS search domains to use"),
    Option(key="host-gateway-ips", kind=Kind.IPS, flag="host-gateway-ip", default=(),
           help="IP addresses that the special 'host-gateway' string in --add-host resolves to"),
    Option(key="allow-direct-routing", kind=Kind.BOOL, flag="allow-direct-routing", default=False,
           help="Allow remote access to published ports on container IP addresses"),
    Option(key="bridge-accept-fwmark", kind=Kind.MARK, flag="bridge-accept-fwmark",
           help="In bridge networks, accept packets with this firewall mark/mask"),
    Option(key="weft-publish", kind=Kind.EXPOSURE, flag="weft-publish", default=OPEN,
           help="From where published ports are reached: open, lan, localhost, or a list of prefixes with commas"),
    _none("ip-forward-no-drop", Kind.BOOL, "Weft never touches the policy of another table's FORWARD chain"),
    Option(key="userland-proxy", kind=Kind.BOOL, flag="userland-proxy", default=True,
           help="Carry published ports of IPv6 addresses to containers without IPv6, and those of ::1 to all"),
    _none("userland-proxy-path", Kind.TEXT, "weft-relay is the only userland proxy"),
    _none("network-control-plane-mtu", Kind.INT, "no control plane of this engine sends datagrams of that size"),
    _refused("iptables", Kind.BOOL, "published ports, isolation and masquerading are Weft's own nftables table, which "
             "touches nobody else's: leave it on, and use --ip-masq=false or --icc=false for their parts", True),
    _refused("ip6tables", Kind.BOOL, "IPv6 is handled by the same nftables table as IPv4: leave it on, or create "
             "networks without --ipv6", True),
    _refused("firewall-backend", Kind.TEXT, "Weft has one, nftables", "nftables"),
    _refused("network-diagnostic-port", Kind.INT, "there is no diagnostic server: use `docker network inspect`"),
)  # fmt: skip

_CONTAINERS = (
    Option(key="default-ulimits", kind=Kind.ULIMITS, flag="default-ulimit", default=(),
           help="Default ulimits for containers (NAME=SOFT[:HARD])"),
    Option(key="default-shm-size", kind=Kind.SIZE, flag="default-shm-size", default=64 * 1024 * 1024,
           help="Default shm size for containers"),
    Option(key="default-ipc-mode", kind=Kind.TEXT, flag="default-ipc-mode", default="private",
           help='Default mode for containers ipc ("shareable"|"private")'),
    Option(key="default-cgroupns-mode", kind=Kind.TEXT, flag="default-cgroupns-mode", default="",
           help='Default mode for containers cgroup namespace ("host"|"private")'),
    Option(key="log-driver", kind=Kind.TEXT, flag="log-driver", default="json-file",
           help="Default driver for container logs"),
    Option(key="log-opts", kind=Kind.TEXT_MAP, flag="log-opt", default={},
           help="Default log driver options for containers"),
    _none("live-restore", Kind.BOOL, "containers, ports and names always survive a stop of the daemon"),
    _refused("default-runtime", Kind.TEXT, "Weft uses crun or runc, whichever works on the machine", "runc", "crun"),
    _refused("runtimes", Kind.OBJECT, "Weft uses crun or runc, whichever works on the machine", flag="add-runtime"),
    _refused("exec-opts", Kind.TEXTS, "Weft manages control groups itself", "native.cgroupdriver=cgroupfs",
             flag="exec-opt"),
    _refused("cgroup-parent", Kind.TEXT, "give --cgroup-parent to `docker run`"),
    Option(key="cpu-rt-period", kind=Kind.INT, flag="cpu-rt-period", default=0,
           help="Limit the CPU real-time period in microseconds for the parent cgroup of containers"),
    Option(key="cpu-rt-runtime", kind=Kind.INT, flag="cpu-rt-runtime", default=0,
           help="Limit the CPU real-time runtime in microseconds for the parent cgroup of containers"),
    _refused("init", Kind.BOOL, "give --init to `docker run`"),
    _refused("init-path", Kind.TEXT, "the init is the one that Weft was installed with"),
    _refused("no-new-privileges", Kind.BOOL, "give --security-opt no-new-privileges to `docker run`"),
    _refused("seccomp-profile", Kind.TEXT, "give --security-opt seccomp=PROFILE to `docker run`", "builtin"),
    _refused("selinux-enabled", Kind.BOOL, "Weft sets no SELinux labels"),
    _refused("userns-remap", Kind.TEXT, "containers share the host's user namespace"),
    _refused("rootless", Kind.BOOL, "Weft needs root for network namespaces, nftables and mounts"),
    _refused("oom-score-adjust", Kind.INT, "set OOMScoreAdjust= in the daemon's systemd unit"),
)  # fmt: skip

_IMAGES = (
    Option(key="registry-mirrors", kind=Kind.TEXTS, flag="registry-mirror", default=(), reloads=True,
           help="Preferred registry mirror"),
    Option(key="insecure-registries", kind=Kind.TEXTS, flag="insecure-registry", default=(), reloads=True,
           help="Enable insecure registry communication"),
    _none("max-concurrent-downloads", Kind.INT, "a transfer is bounded by the registry client"),
    _none("max-concurrent-uploads", Kind.INT, "a transfer is bounded by the registry client"),
    _none("max-download-attempts", Kind.INT, "the registry client decides what to try again"),
    _none("allow-nondistributable-artifacts", Kind.TEXTS, "Docker has dropped it: every layer is pushed"),
    _none("deprecated-key-path", Kind.TEXT, "Docker has dropped it: the daemon has no such key", flag=""),
    _none("builder", Kind.OBJECT, "this engine builds no images", flag=""),
    _none("containerd", Kind.TEXT, "Weft runs containers without containerd"),
    _none("containerd-namespace", Kind.TEXT, "Weft runs containers without containerd"),
    _none("containerd-plugin-namespace", Kind.TEXT, "Weft runs containers without containerd",
          flag="containerd-plugins-namespace"),
    _refused("cri-containerd", Kind.BOOL, "Weft runs no containerd that a kubelet could use"),
    _refused("storage-driver", Kind.TEXT, "layers are stacked by the kernel's overlayfs", "overlay2", "overlayfs"),
    _refused("storage-opts", Kind.TEXTS, "overlayfs is used without options", flag="storage-opt"),
    _refused("cdi-spec-dirs", Kind.TEXTS, "devices by CDI are not injected", flag="cdi-spec-dir"),
)  # fmt: skip

_OTHERS = (
    Option(key="http-proxy", kind=Kind.TEXT, flag="http-proxy", default="", help="HTTP proxy URL for outgoing traffic"),
    Option(key="https-proxy", kind=Kind.TEXT, flag="https-proxy", default="",
           help="HTTPS proxy URL for outgoing traffic"),
    Option(key="no-proxy", kind=Kind.TEXT, flag="no-proxy", default="",
           help="Comma-separated list of hosts or IP addresses for which the proxy is skipped"),
    _none("raw-logs", Kind.BOOL, "log lines carry full timestamps and no colours anyway"),
    _none("swarm-default-advertise-addr", Kind.TEXT, "it is asked for when a swarm is made, which this version does "
          "not do"),
    _none("node-generic-resources", Kind.TEXTS, "they are advertised to a swarm, which this version does not join",
          flag="node-generic-resource"),
    _refused("features", Kind.BOOL_MAP, "there are no feature switches", flag="feature"),
    _refused("metrics-addr", Kind.TEXT, "this version serves no metrics"),
    _refused("authorization-plugins", Kind.TEXTS, "no request is shown to plugins: use --tlsverify and the group of "
             "the unix socket", flag="authorization-plugin"),
    _refused("api-cors-header", Kind.TEXT, 'DEPRECATED: The "api-cors-header" config parameter and the dockerd '
             '"--api-cors-header" option have been removed; use a reverse proxy if you need CORS headers'),
)  # fmt: skip

OPTIONS: tuple[Option, ...] = _DAEMON + _BRIDGE + _NETWORK + _CONTAINERS + _IMAGES + _OTHERS
BY_KEY = {option.key: option for option in OPTIONS}
PROXY_KEYS = ("http-proxy", "https-proxy", "no-proxy")  # in the file within the object `proxies`
RENAMED = {"host-gateway-ip": "host-gateway-ips"}  # keys of old that take one value where the new one takes a list
