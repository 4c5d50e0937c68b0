"""Networks of CNI plugins: what Weft checks itself; the plugins do the rest (weft.plugins.cni)."""

from collections.abc import Collection

from weft.drivers.endpoint_options import endpoint_options
from weft.drivers.interface_names import free_name
from weft.drivers.remote import RemotePlanner
from weft.model.endpoint import EndpointSpec
from weft.model.errors import Conflict, InvalidParameter
from weft.model.network import NetworkRecord, NetworkSpec

CONFIGURATION = "conf"
DIRECTORIES = "path"


class CniPlanner(RemotePlanner):
    """Plans for the driver `cni`: addresses are the configuration's, so a network has no pools of Weft's."""

    def __init__(self) -> None:
        super().__init__("cni", has_addresses=False)

    def validate(self, spec: NetworkSpec) -> None:
        """Raise InvalidParameter for options that are unknown, missing, or the configuration's to set."""
        unknown = sorted(spec.options.keys() - {CONFIGURATION, DIRECTORIES})
        if unknown:
            raise InvalidParameter(
                f"the cni driver does not know the option {', '.join(unknown)}: "
                f"it knows {CONFIGURATION} and {DIRECTORIES}"
            )
        if not spec.options.get(CONFIGURATION):
            raise InvalidParameter(
                "the cni driver needs a configuration: give -o conf=FILE, an absolute path or a file of /etc/cni/net.d"
            )
        if spec.pools:
            raise InvalidParameter(
                'the cni driver takes no --subnet, --ip-range, --gateway or --aux-address: the "ipam" of the '
                "configuration says which addresses there are"
            )
        if spec.ipv6:
            raise InvalidParameter(
                'the cni driver takes no --ipv6: the "ipam" of the configuration says which addresses there are'
            )
        if spec.internal:
            raise InvalidParameter(
                "the cni driver takes no --internal: the configuration's plugins decide who is reached"
            )
        if spec.ipam_driver not in ("", "default", "null"):
            raise InvalidParameter(
                f"the cni driver takes no --ipam-driver {spec.ipam_driver}: the configuration names its IPAM plugin"
            )

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        endpoint_options(spec.driver_options)

    def host_link(self, endpoint_id: str) -> str:
        """Return "": whether there is one, and its name, is the plugins' affair."""
        return ""

    def sandbox_link(self, record: NetworkRecord, spec: EndpointSpec, taken: Collection[str]) -> str:
        """Return the name that the plugins are told to give the interface in the sandbox."""
        wanted = endpoint_options(spec.driver_options).interface_name
        if wanted in taken:
            raise Conflict(
                f"error renaming interface for network {record.name} to {wanted}: file exists: "
                "choose another com.docker.network.endpoint.ifname"
            )
        return wanted or free_name("eth", taken)
