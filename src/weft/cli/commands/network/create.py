"""weft network create"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import many, switch, text
from weft.cli.flags.pairs import mapping, parse_label, parse_pair
from weft.cli.flags.parser import Options
from weft.cli.flags.pools import pools
from weft.cli.render import fields
from weft.client.session import Json


def run(context: Context, options: Options) -> int:
    answer = context.engine.networks.create(_document(options))
    if warning := fields.text(answer, "Warning"):
        context.complain(f"WARNING: {warning}")
    context.print(fields.text(answer, "Id") + "\n")
    return 0


def _document(options: Options) -> Json:
    document: Json = {
        "Name": options.arguments[0],
        "Driver": options.text("driver"),
        "Options": dict(options.pairs("opt")),
        "Labels": mapping(options.texts("label")),
        "Internal": options.on("internal"),
        "Attachable": options.on("attachable"),
        "Ingress": options.on("ingress"),
        "Scope": options.text("scope"),
        "ConfigOnly": options.on("config-only"),
        "IPAM": _ipam(options),
    }
    for flag, key in (("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")):
        if options.changed(flag):
            document[key] = options.on(flag)
    if options.text("config-from"):
        document["ConfigFrom"] = {"Network": options.text("config-from")}
    return document


def _ipam(options: Options) -> Json:
    try:
        configured = pools(
            _separated(options, "subnet"),
            _separated(options, "ip-range"),
            _separated(options, "gateway"),
            dict(options.pairs("aux-address")),
        )
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    return {"Driver": options.text("ipam-driver"), "Options": dict(options.pairs("ipam-opt")), "Config": configured}


def _separated(options: Options, name: str) -> list[str]:
    return [item for value in options.texts(name) for item in value.split(",")]


COMMAND = Command(
    "[OPTIONS] NETWORK",
    run,
    flags=(
        text("driver", "Driver to manage the Network", short="d", default="bridge"),
        many("opt", "Set driver specific options", short="o", kind="map", parse=parse_pair, default_text="map[]"),
        many("label", "Set metadata on a network", parse=parse_label),
        switch("internal", "Restrict external access to the network"),
        switch("ipv4", "Enable or disable IPv4 address assignment", default=True),
        switch("ipv6", "Enable or disable IPv6 address assignment"),
        switch("attachable", "Enable manual container attachment"),
        switch("ingress", "Create swarm routing-mesh network"),
        text("scope", "Control the network's scope"),
        switch("config-only", "Create a configuration only network"),
        text("config-from", "The network from which to copy the configuration", complete="networks"),
        text("ipam-driver", "IP Address Management Driver", default="default"),
        many("subnet", "Subnet in CIDR format that represents a network segment", kind="strings"),
        many("ip-range", "Allocate container ip from a sub-range", kind="strings"),
        many("gateway", "IPv4 or IPv6 Gateway for the master subnet", kind="strings"),
        many(
            "aux-address",
            "Auxiliary IPv4 or IPv6 addresses used by Network driver",
            kind="map",
            parse=parse_pair,
            default_text="map[]",
        ),
        many("ipam-opt", "Set IPAM driver specific options", kind="map", parse=parse_pair, default_text="map[]"),
    ),
    least=1,
    most=1,
)
