"""The resolver's contract, read by an independent DNS library."""

from ipaddress import ip_address

import pytest
from dnslib import EDNS0, QTYPE, RCODE, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from weft.dns import message
from weft.dns.resolver import Forward, failure, handle, reversed_address
from weft.dns.view import Directory, Rotation, Upstream, View, ViewSpec
from weft.dns.zone import endpoint

_MOST_REMEMBERED_BYTES = 1024 * 1024


def view(networks: tuple[tuple[str, str], ...] = (("n1", "My-Net"), ("n2", "other")), **options: object) -> View:
    directory = Directory()
    entries = {
        ("n1", "e1"): (["Web", "0123456789ab", "api"], ["172.18.0.2", "fd00:1::2"]),
        ("n1", "e2"): (["db", "api"], ["172.18.0.3"]),
        ("n1", "e3"): (["six"], ["fd00:1::3"]),
        ("n1", "e4"): (["dotted.name"], ["172.18.0.4"]),
        ("n2", "e5"): (["web"], ["172.19.0.9"]),
        ("n2", "e6"): (["db"], ["fd00:2::6"]),
        ("n1", "big"): (["big"], [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(250)]),
    }
    for (network, ident), (names, addresses) in entries.items():
        directory.publish(network, ident, endpoint(names, [ip_address(a).packed for a in addresses]))
    return directory.acquire(ViewSpec(networks, **options)).view  # type: ignore[arg-type]


def query(name: str, qtype: str = "A", *, edns: int = 0) -> bytes:
    record = DNSRecord.question(name, qtype)
    if edns:
        record.add_ar(EDNS0(udp_len=edns))
    return bytes(record.pack())


def ask(name: str, qtype: str = "A", *, of: View | None = None, turn: int = 0) -> DNSRecord:
    packet = query(name, qtype)
    answer = handle(packet, of or view(), turn)
    assert isinstance(answer, bytes)
    parsed = DNSRecord.parse(answer)
    assert answer[:2] == packet[:2]
    return parsed


def values(record: DNSRecord) -> list[str]:
    return [str(rr.rdata) for rr in record.rr]


@pytest.mark.parametrize("name", ["web", "WEB", "wEb.mY-nEt", "0123456789ab", "web.", "0123456789AB.my-net"])
def test_a_container_answers_to_its_names_in_any_case(name: str) -> None:
    record = ask(name)
    assert values(record) == ["172.18.0.2"]
    assert record.rr[0].ttl == 600
    assert str(record.q.qname).rstrip(".") == name.rstrip(".")


def test_a_name_may_contain_dots() -> None:
    assert values(ask("dotted.name")) == ["172.18.0.4"]
    assert values(ask("dotted.name.my-net")) == ["172.18.0.4"]


def test_both_families_are_answered() -> None:
    assert values(ask("web", "AAAA")) == ["fd00:1::2"]


def test_networks_are_searched_in_order_and_on_past_one_without_that_family() -> None:
    assert values(ask("web")) == ["172.18.0.2"]
    assert values(ask("web", of=view((("n2", "other"), ("n1", "My-Net"))))) == ["172.19.0.9"]
    assert values(ask("web.other")) == ["172.19.0.9"]
    assert values(ask("db", "AAAA")) == ["fd00:2::6"]


@pytest.mark.parametrize(
    ("name", "qtype"), [("six", "A"), ("db.my-net", "AAAA"), ("web", "MX"), ("web", "TXT"), ("web", "SRV")]
)
def test_a_known_name_without_that_type_is_empty_and_never_forwarded(name: str, qtype: str) -> None:
    record = ask(name, qtype, of=view(host_upstreams=("9.9.9.9",)))
    assert record.header.rcode == RCODE.NOERROR
    assert not record.rr


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("2.0.18.172.in-addr.arpa", "web.my-net."),
        ("2.0.18.172.IN-ADDR.arpa", "web.my-net."),
        (ip_address("fd00:1::3").reverse_pointer, "six.my-net."),
        ("9.0.19.172.in-addr.arpa", "web.other."),
    ],
)
def test_a_pointer_names_container_and_network(name: str, target: str) -> None:
    record = ask(name, "PTR")
    assert values(record) == [target]
    assert record.rr[0].rtype == QTYPE.PTR


@pytest.mark.parametrize(
    "name",
    [
        "in-addr.arpa",
        "1.2.3.in-addr.arpa",
        "1.2.3.4.5.in-addr.arpa",
        "300.0.18.172.in-addr.arpa",
        "x.0.18.172.in-addr.arpa",
        "ip6.arpa",
        "0.ip6.arpa",
        "g" + ip_address("fd00:1::3").reverse_pointer[1:],
        "8.8.8.8.in-addr.arpa",
    ],
)
def test_pointers_that_are_not_ours_or_make_no_sense_are_forwarded(name: str) -> None:
    assert isinstance(handle(query(name, "PTR"), view()), Forward)


@given(st.ip_addresses())
def test_reversed_names_are_read_back(address: object) -> None:
    name = address.reverse_pointer.encode()  # type: ignore[attr-defined]
    assert reversed_address(name) == address.packed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "qtype"), [("example.com", "A"), ("nobody", "A"), ("example.com", "TYPE65"), ("example.com", "HTTPS")]
)
def test_the_unknown_is_forwarded_to_at_most_three_servers_never_to_ourselves(name: str, qtype: str) -> None:
    servers = ("127.0.0.11", "1.1.1.1", "8.8.8.8", "9.9.9.9", "4.4.4.4")
    packet = bytes(DNSRecord.question(name, qtype).pack())
    outcome = handle(packet, view(sandbox_upstreams=servers[:3], host_upstreams=servers[3:]))
    assert outcome == Forward((Upstream("1.1.1.1", True), Upstream("8.8.8.8", True), Upstream("9.9.9.9", False)), 512)


def test_an_internal_sandbox_has_no_host_upstreams() -> None:
    outcome = handle(
        query("example.com"), view(host_upstreams=("1.1.1.1",), sandbox_upstreams=("10.0.0.1",), internal=True)
    )
    assert outcome == Forward((Upstream("10.0.0.1", True),), 512)


def test_a_users_ndots_keeps_bare_unknown_names_inside() -> None:
    of = view(ndots=2, host_upstreams=("1.1.1.1",))
    assert not ask("nobody", of=of).rr
    assert isinstance(handle(query("nobody.example"), of), Forward)
    assert isinstance(handle(query("nobody", "MX"), of), Forward)
    assert values(ask("web", of=of)) == ["172.18.0.2"]


def test_every_address_comes_first_at_some_turn() -> None:
    of = view()
    seen = [values(ask("api", of=of, turn=turn)) for turn in range(4)]
    assert seen == [["172.18.0.2", "172.18.0.3"], ["172.18.0.3", "172.18.0.2"]] * 2


def test_an_answer_too_long_for_udp_is_cut_with_tc_and_whole_over_tcp() -> None:
    of = view()
    packet = query("big")
    for _ in range(2):  # the second time from memory
        cut = DNSRecord.parse(handle(packet, of, 249))
        assert cut.header.tc == 1
        assert len(handle(packet, of, 249)) <= 512  # type: ignore[arg-type]
        assert len(cut.rr) == cut.header.a == 30
        assert values(cut)[0] == "10.0.0.250"
    whole = DNSRecord.parse(handle(packet, of, stream=True))
    assert whole.header.tc == 0
    assert len(whole.rr) == 250
    assert len(DNSRecord.parse(handle(query("big", edns=1232), of)).rr) == 75  # 12 + 9 + 75 * 16 + 11 bytes
    assert len(DNSRecord.parse(handle(query("big", edns=4096), of)).rr) == 250


def test_a_client_with_edns_gets_an_opt_record_back_and_one_without_none() -> None:
    assert [rr.rtype for rr in DNSRecord.parse(handle(query("web", edns=1400), view())).ar] == [QTYPE.OPT]
    assert not ask("web").ar


def test_another_edns_version_is_refused() -> None:
    record = DNSRecord.question("web")
    record.add_ar(EDNS0(udp_len=1232, version=1))
    answer = DNSRecord.parse(handle(bytes(record.pack()), view()))
    assert answer.ar[0].ttl >> 24 == message.BADVERS >> 4


def test_other_opcodes_are_not_implemented_and_other_classes_forwarded() -> None:
    packet = bytearray(query("web"))
    packet[2] |= 0x28  # UPDATE
    assert DNSRecord.parse(handle(bytes(packet), view())).header.rcode == RCODE.NOTIMP
    chaos = query("web")[:-2] + b"\0\x03"
    assert isinstance(handle(chaos, view()), Forward)


def test_answers_and_fragments_get_silence_and_nonsense_gets_formerr() -> None:
    answer = handle(query("web"), view())
    assert isinstance(answer, bytes)
    assert handle(answer, view()) is None
    assert handle(b"\0\1", view()) is None
    broken = handle(query("web")[:-3], view())
    assert isinstance(broken, bytes)
    assert broken[3] & 0xF == message.FORMERR


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer_a_forward_or_silence(packet: bytes) -> None:
    outcome = handle(packet, view())
    assert outcome is None or isinstance(outcome, Forward) or outcome[:2] == packet[:2]


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_query_never_crashes(at: int, value: int) -> None:
    packet = bytearray(query("web.my-net", edns=4096))
    packet[at % len(packet)] = value
    of = view()
    assert handle(bytes(packet), of) == handle(bytes(packet), of)


def test_memory_of_answers_is_bounded() -> None:
    of = view()
    for number in range(5000):
        packet = bytearray(query("big", edns=4096))
        packet[-6:-4] = number.to_bytes(2, "big")  # the flags of its OPT record
        assert isinstance(handle(bytes(packet), of), bytes)
    kept = sum(len(a.ring) if isinstance(a, Rotation) else len(a) for a in of.answers.values())
    assert 0 < kept < _MOST_REMEMBERED_BYTES


def test_a_failure_carries_the_question() -> None:
    record = DNSRecord.parse(failure(query("example.com", edns=1232), message.SERVFAIL))
    assert record.header.rcode == RCODE.SERVFAIL
    assert str(record.q.qname) == "example.com."
