"""The whole table as text, so that it can be made again in one transaction after a flush or a restart."""

from collections.abc import Iterable, Iterator

from weft.firewall.chains import chains
from weft.firewall.connected import connected_contents
from weft.firewall.contents import TABLE, Contents, merged
from weft.firewall.links import Flow, flow_contents
from weft.firewall.network import network_contents
from weft.firewall.publication import Publication
from weft.firewall.publish import publication_contents, relay_contents
from weft.firewall.sets import DECLARATIONS, SetDeclaration
from weft.model.address import Network as Subnet
from weft.model.mark import Mark
from weft.model.segment import Segment
from weft.plan.operations import Element, LoadTable
from weft.plan.plan import Plan


def base_ruleset() -> str:
    """Return the text between the table's braces with all sets empty."""
    return render({})


def desired_state(
    segments: Iterable[Segment],
    published: Iterable[Publication],
    flows: Iterable[Flow] = (),
    connected: Iterable[Subnet] = (),
    relay_port: int = 0,
) -> Contents:
    """Return the full contents of every set: all networks, all publications of all endpoints, all links.

    `connected` are the subnets that the host's interfaces are in, `relay_port` is where the relay listens.
    """
    networks = (network_contents(segment) for segment in segments)
    others = (flow_contents(flows), connected_contents(connected), relay_contents(relay_port))
    return merged([*networks, publication_contents(published), *others])


def load(
    segments: Iterable[Segment],
    published: Iterable[Publication],
    flows: Iterable[Flow] = (),
    connected: Iterable[Subnet] = (),
    accepted_mark: Mark | None = None,
    relay_port: int = 0,
) -> Plan:
    """Return the plan that makes the table again, whole, in one transaction."""
    contents = desired_state(segments, published, flows, connected, relay_port)
    return Plan((LoadTable(TABLE, render(contents, accepted_mark)),))


def render(contents: Contents, accepted_mark: Mark | None = None) -> str:
    """Return the text between the table's braces with these contents. Raises ValueError for a set that it has not."""
    unknown = contents.keys() - {declaration.name for declaration in DECLARATIONS}
    if unknown:
        raise ValueError(f"the table has no set called {', '.join(sorted(unknown))}")
    blocks = [_set(declaration, contents.get(declaration.name, ())) for declaration in DECLARATIONS]
    blocks += [_block(f"chain {name}", rules) for name, rules in chains(accepted_mark).items()]
    return "\n".join(blocks)


def _set(declaration: SetDeclaration, elements: Iterable[Element]) -> str:
    lines = list(declaration.lines)
    words = ",\n\t\t\t".join(map(_words, elements))
    if words:
        lines.append(f"elements = {{\n\t\t\t{words}\n\t\t}}")
    return _block(f"{declaration.kind} {declaration.name}", lines)


def _words(element: Element) -> str:
    key = " . ".join(element.key)
    return f"{key} : {' . '.join(element.value)}" if element.value else key


def _block(head: str, lines: Iterable[str]) -> str:
    return "\n".join(_indented(head, lines))


def _indented(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\t{head} {{"
    yield from (f"\t\t{line}" for line in lines)
    yield "\t}"
