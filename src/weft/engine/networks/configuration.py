"""Configuration networks (`--config-only`), and the networks made from them (`--config-from`); pure.

A configuration network holds addresses and options for others and is nothing in the kernel: its driver shows as null.
"""

from collections.abc import Iterable
from dataclasses import replace

from weft.model.errors import Forbidden, NotFound
from weft.model.network import NetworkRecord, NetworkSpec, Scope

REFUSED_FIELDS = (
    "configuration network can only contain network specific fields. Network operator fields like "
    "[ ingress | internal | attachable | scope ] are not supported."
)
_DRIVER = "null"
_NO_IPAM = ("", "default")  # a consumer that names no IPAM driver of its own


def as_configuration(spec: NetworkSpec) -> NetworkSpec:
    """Return the spec of a configuration network as it is kept; Forbidden for what it cannot hold."""
    if spec.ingress or spec.internal or spec.attachable or spec.scope is not Scope.LOCAL:
        raise Forbidden(REFUSED_FIELDS)
    if spec.config_from:
        raise Forbidden("a configuration network cannot depend on another configuration network")
    return replace(spec, driver=_DRIVER)


def with_configuration(spec: NetworkSpec, networks: Iterable[NetworkRecord]) -> NetworkSpec:
    """Return the spec with what the configuration network that it names holds.

    Forbidden where the spec has a configuration of its own, NotFound where there is none of that name.
    """
    own = (not spec.ipv4, spec.ipv6, spec.labels, spec.ipam_options, spec.pools, spec.ipam_driver not in _NO_IPAM)
    if any(own):
        raise Forbidden(
            "user specified configurations are not supported if the network depends on a configuration network"
        )
    if spec.options:
        raise Forbidden("network driver options are not supported if the network depends on a configuration network")
    held = next((each.spec for each in networks if each.spec.config_only and each.name == spec.config_from), None)
    if held is None:
        raise NotFound(f'configuration network "{spec.config_from}" does not exist')
    return replace(
        spec,
        ipv4=held.ipv4,
        ipv6=held.ipv6,
        ipam_driver=held.ipam_driver,
        ipam_options=held.ipam_options,
        pools=held.pools,
        options=held.options,
        labels=held.labels,
    )


def check_not_depended_on(record: NetworkRecord, networks: Iterable[NetworkRecord]) -> None:
    """Raise Forbidden while a network made from this configuration network exists."""
    if any(each.spec.config_from == record.name for each in networks):
        raise Forbidden(f'error while removing network: configuration network "{record.name}" is in use')
