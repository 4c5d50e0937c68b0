"""-p and --expose: [host address:][host port or range:]container port or range[/protocol]."""

from ipaddress import ip_address

PROTOCOLS = ("tcp", "udp", "sctp")
Bindings = dict[str, list[dict[str, str]]]


def parse_publish(values: list[str]) -> Bindings:
    """Return the API's PortBindings for all -p together; raises ValueError with docker's texts."""
    bindings: Bindings = {}
    for value in values:
        for port, host_ip, host_port in _one(_standard(value)):
            bindings.setdefault(port, []).append({"HostIp": host_ip, "HostPort": host_port})
    return bindings


def parse_expose(values: list[str]) -> list[str]:
    """Return ports as `80/tcp`; raises ValueError."""
    ports = []
    for value in values:
        numbers, _, protocol = value.partition("/")
        protocol = protocol or "tcp"
        if ":" in value:
            raise ValueError(f"invalid port format for --expose: {value}")
        try:
            first, last = _range(numbers)
            _check_protocol(protocol)
        except ValueError as error:
            raise ValueError(f"invalid range format for --expose: {value}, error: {error}") from None
        ports += [f"{number}/{protocol}" for number in range(first, last + 1)]
    return ports


def _standard(value: str) -> str:
    """Turn the long syntax (published=8080,target=80,protocol=tcp) into the short one."""
    if "=" not in value:
        return value
    parameters = {"protocol": "tcp"}
    for parameter in value.split(","):
        key, equals, setting = parameter.partition("=")
        if not equals or not key:
            raise ValueError(f"invalid publish opts format (should be name=value but got '{parameter}')")
        parameters[key] = setting
    return f"{parameters.get('published', '')}:{parameters.get('target', '')}/{parameters['protocol']}"


def _one(value: str) -> list[tuple[str, str, str]]:
    """Return (container port, host address, host port) for each port of one -p."""
    head, host_text, container_text = _parts(value)
    container_text, _, protocol = container_text.partition("/")
    if not container_text:
        raise ValueError(f"no port specified: {value}<empty>")
    first, last = _ports(container_text, "containerPort")
    protocol = protocol or "tcp"
    host_ip = _host_address(head)
    host_first, host_last = _ports(host_text, "hostPort") if host_text else (0, 0)
    if host_text and last - first != host_last - host_first and first != last:
        raise ValueError(f"invalid ranges specified for container and host Ports: {container_text} and {host_text}")
    _check_protocol(protocol.lower())
    result = []
    for offset in range(last - first + 1):
        host = str(host_first + offset) if host_text else ""
        if host_text and first == last and host_first != host_last:
            host = f"{host_first}-{host_last}"  # one free port of the range
        result.append((f"{first + offset}/{protocol.lower()}", host_ip, host))
    return result


def _parts(value: str) -> tuple[str, str, str]:
    """Split at the last two colons that are not inside an address's brackets."""
    pieces = value.split(":")
    if len(pieces) == 1:
        return "", "", pieces[0]
    if len(pieces) == 2:
        return "", pieces[0], pieces[1]
    return ":".join(pieces[:-2]), pieces[-2], pieces[-1]


def _host_address(text: str) -> str:
    if not text:
        return ""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        ip_address(bare)
    except ValueError:
        raise ValueError(f"invalid IP address: {bare}") from None
    return bare


def _ports(text: str, what: str) -> tuple[int, int]:
    try:
        return _range(text)
    except ValueError:
        raise ValueError(f"invalid {what}: {text}") from None


def _range(text: str) -> tuple[int, int]:
    first_text, dash, last_text = text.partition("-")
    if not first_text.isdecimal() or (dash and not last_text.isdecimal()):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    first, last = int(first_text), int(last_text or first_text)
    if last < first:
        raise ValueError(f"invalid range specified for port: {text}")
    if last > 65535:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return first, last


def _check_protocol(protocol: str) -> None:
    if protocol not in PROTOCOLS:
        raise ValueError(f"invalid proto: {protocol}")
