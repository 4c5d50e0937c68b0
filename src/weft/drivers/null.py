"""The null driver: a sandbox with loopback alone; nothing to make, nothing to attach."""

from weft.drivers.contract import HostFacts
from weft.drivers.endpoint_options import endpoint_options
from weft.model.endpoint import Endpoint, EndpointSpec
from weft.model.errors import Forbidden
from weft.model.network import NetworkRecord, NetworkSpec
from weft.plan.plan import Plan


class NullDriver:
    """Implements Driver, for the one predefined network `none`."""

    name = "null"
    has_addresses = False

    def validate(self, spec: NetworkSpec) -> None:
        raise Forbidden(f'only one instance of "{self.name}" network is allowed')

    def validate_endpoint(self, spec: EndpointSpec) -> None:
        endpoint_options(spec.driver_options)

    def create_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        return Plan()

    def delete_network(self, record: NetworkRecord, facts: HostFacts) -> Plan:
        raise Forbidden(f'network of type "{self.name}" cannot be deleted')

    def attach(self, record: NetworkRecord, endpoint: Endpoint, sandbox: str, spec: EndpointSpec) -> Plan:
        return Plan()

    def detach(self, record: NetworkRecord, endpoint: Endpoint) -> Plan:
        return Plan()
