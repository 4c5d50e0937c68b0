"""Other programs' tables: what of them stops our traffic, by the tables that they really make."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from weft.firewall.foreign import Finding, ForeignRules, summary
from weft.firewall.iptables import completed, has_extensions, legacy_listing
from weft.model.segment import Segment

RULESETS = Path(__file__).parents[2] / "rulesets"
POLICY = {"type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
PLACE = {"family": "inet", "table": "t"}


def segment(bridge: str = "docker0", *subnets: str, internal: bool = False) -> Segment:
    networks = tuple(map(ip_network, subnets or ("172.17.0.0/16",)))
    return Segment(network_id="1", bridge=bridge, subnets=networks, internal=internal)


def listed(program: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RULESETS / f"{program}.json").read_text().splitlines()]


def found(listing: list[dict[str, Any]], where: Segment | None = None) -> list[Finding]:
    return list(ForeignRules(listing).obstacles(where or segment(), "eth0"))


def table(
    *rules: list[dict[str, Any]], policy: str = "drop", **chains: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [{"chain": {**PLACE, "name": "base", **POLICY, "policy": policy}}]
    entries += [{"rule": {**PLACE, "chain": "base", "handle": 10 + n, "expr": rule}} for n, rule in enumerate(rules)]
    for name, inside in chains.items():
        entries += [
            {"rule": {**PLACE, "chain": name, "handle": 100 + n, "expr": rule}} for n, rule in enumerate(inside)
        ]
    return entries


def match(left: dict[str, Any], right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


IN, OUT = match(meta("iifname"), "docker0"), match(meta("oifname"), "docker0")
ACCEPT, DROP = {"accept": None}, {"drop": None}


def test_ufw_drops_what_is_forwarded() -> None:
    findings = found(listed("ufw"))
    assert [(each.family, each.chain, each.rule, each.entering) for each in findings] == [
        ("ip", "FORWARD", "", False),
        ("ip", "FORWARD", "", True),
    ]
    assert [each.remedy for each in findings] == ["ufw route allow in on docker0", "ufw route allow out on docker0"]
    assert findings[1].what == (
        "the policy drop of chain FORWARD of table ip filter stops connections to published ports behind docker0"
    )


def test_ufw_drops_ipv6_by_its_other_table() -> None:
    assert {each.family for each in found(listed("ufw"), segment("br-1", "fd00::/64"))} == {"ip6"}


def test_firewalld_lets_in_what_is_translated_and_rejects_the_rest() -> None:
    (finding,) = found(listed("firewalld"))
    assert not finding.entering
    assert finding.chain == "filter_FWD_public"
    assert finding.rule.endswith("(reject)")
    assert finding.remedy.startswith("firewall-cmd --permanent --zone=trusted --add-interface=docker0")


def test_nothing_stands_in_the_way() -> None:
    assert found([]) == []
    assert found(table(policy="accept")) == []
    assert found(table(), segment(internal=True)) == []


@pytest.mark.parametrize(
    "rule",
    [
        [{"accept": None}],
        [match(meta("iifname"), {"set": ["docker0", "eth9"]}), ACCEPT],
        [match(meta("iifname"), "docker*"), ACCEPT],
        [match(meta("iifname"), "@ours"), ACCEPT],
        [match(meta("iifname"), "eth0", "!="), ACCEPT],
        [
            match({"payload": {"protocol": "ip", "field": "saddr"}}, {"prefix": {"addr": "172.16.0.0", "len": 12}}),
            ACCEPT,
        ],
        [match({"concat": [meta("iifname"), meta("oifname")]}, {"set": [{"concat": ["docker0", "eth0"]}]}), ACCEPT],
        [match({"payload": {"protocol": "tcp", "field": "dport"}}, {"range": [1, 1023]}), ACCEPT],
        [match({"ct": {"key": "state"}}, ["new", "related"], "in"), ACCEPT],
        [{"vmap": {"key": meta("iifname"), "data": {"set": [["docker0", {"accept": None}]]}}}],
        [{"counter": {"packets": 0, "bytes": 0}}, IN, {"xt": {"type": "match", "name": "comment"}}, ACCEPT],
        [{"jump": {"target": "allowed"}}],
    ],
)
def test_rules_that_let_containers_out(rule: list[dict[str, Any]]) -> None:
    sets = [{"set": {**PLACE, "name": "ours", "elem": ["docker0"]}}]
    findings = found(sets + table(rule, allowed=[[IN, ACCEPT]]))
    assert [each.entering for each in findings if not each.entering] == []


@pytest.mark.parametrize(
    "rule",
    [
        [match(meta("iifname"), "docker1"), ACCEPT],
        [match({"ct": {"key": "state"}}, ["established", "related"], "in"), ACCEPT],
        [match(meta("l4proto"), "icmp"), ACCEPT],
        [match({"payload": {"protocol": "udp", "field": "dport"}}, 443), ACCEPT],
        [OUT, {"xt": {"type": "match", "name": "conntrack"}}, ACCEPT],
        [IN, {"jump": {"target": "nothing"}}],
        [IN, {"return": None}],
    ],
)
def test_rules_that_do_not(rule: list[dict[str, Any]]) -> None:
    assert [each.entering for each in found(table(rule))] == [False, True]


def test_a_rule_that_drops_is_named_by_its_handle() -> None:
    (finding,) = found(table([OUT, match({"ct": {"key": "status"}}, "dnat"), DROP], policy="accept"))
    assert (finding.rule, finding.entering) == ("10 (drop)", True)
    assert finding.remedy == 'nft insert rule inet t base oifname "docker0" accept'


def test_what_cannot_be_read_is_no_obstacle() -> None:
    odd: list[Any] = [{"rule": None}, {"chain": {"family": "netdev"}}, {"flowtable": {"family": "inet"}}, {}]
    rules = [[{"match": {}}, DROP], [{"match": {"left": 3, "right": None}}, DROP], [{"queue": {}}], [{"xt": None}]]
    assert found(odd + table(*rules, policy="accept")) == []


def test_chains_that_jump_in_a_circle_end() -> None:
    listing = table([{"jump": {"target": "one"}}], one=[[{"jump": {"target": "one"}}]])
    assert len(found(listing)) == 2


def test_one_line_for_many_bridges() -> None:
    rules = ForeignRules(listed("ufw"))
    findings = [each for n in range(6) for each in rules.obstacles(segment(f"br-{n}"), "eth0")]
    lines = summary(findings)
    assert len(lines) == 2
    assert "(and 5 more bridges: br-1, br-2, br-3 …)" in lines[0]
    assert lines[0].endswith("to allow it: ufw route allow in on br-0")


def test_iptables_legacy() -> None:
    text = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:mine - [0:0]
-A FORWARD -m comment --comment "hello -j DROP" -j mine
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A mine -o docker+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
    (finding,) = found(list(map(dict, legacy_listing(text, "ip"))))
    assert finding.entering
    assert finding.remedy == "iptables-legacy -I FORWARD -o docker0 -j ACCEPT"


SAVED = """*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD {rule}
COMMIT
"""


def of_iptables_nft(rule: str) -> list[Finding]:
    """As nft lists it, with nothing but the name of the extension, and as iptables-nft-save prints it."""
    place = {"family": "ip", "table": "filter"}
    extension = {"xt": {"type": "match", "name": "conntrack"}}
    verdict = {"drop" if rule.endswith("DROP") else "accept": None}
    listing: list[dict[str, Any]] = [
        {"chain": {**place, "name": "FORWARD", **POLICY, "policy": "accept" if rule.endswith("DROP") else "drop"}},
        {"rule": {**place, "chain": "FORWARD", "handle": 7, "expr": [extension, ACCEPT]}},
        {"rule": {**place, "chain": "FORWARD", "handle": 8, "expr": [extension, verdict]}},
    ]
    assert has_extensions(listing, "ip")
    assert not has_extensions(listing, "ip6")
    return found([dict(entry) for entry in completed(listing, SAVED.format(rule=rule), "ip")])


@pytest.mark.parametrize(
    ("rule", "stopped"),
    [
        ("-m conntrack --ctstate DNAT -j ACCEPT", {False}),
        ("-m conntrack --ctstatus DNAT -j ACCEPT", {False}),
        ("-m conntrack --ctstate NEW,RELATED -j ACCEPT", set()),
        ("-m state ! --state INVALID -j ACCEPT", set()),
        ("-i docker0 -m conntrack --ctstate NEW -j ACCEPT", {True}),
        ("-s 172.17.0.0/16 -m conntrack --ctstate NEW -j ACCEPT", {True}),
        ("! -s 172.17.0.0/16 -m conntrack --ctstate NEW -j ACCEPT", {False}),
        ("-d 172.17.0.2 -p tcp -m multiport --dports 22,400:500 -j ACCEPT", {False}),
        ("-p tcp -m multiport --dports 22,80 -j ACCEPT", {True, False}),
        ("-m addrtype --dst-type LOCAL -j ACCEPT", {True, False}),
        ("-m addrtype ! --dst-type LOCAL -j ACCEPT", set()),
        ("-m mark ! --mark 0x1/0xf -j ACCEPT", set()),
        ("-m conntrack --ctstate NEW -m set --match-set mine src -j ACCEPT", {True, False}),
        ("-m conntrack --ctstate NEW -m time --timestart 08:00 --utc -j ACCEPT", {True, False}),
        ("-m addrtype ! --dst-type LOCAL -m conntrack --ctstate NEW -j DROP", {True, False}),
        ("-m conntrack --ctstate INVALID -j DROP", set()),
        ('-m comment --comment "no -j ACCEPT here" -m conntrack --ctstate DNAT -j DROP', {True}),
    ],
)
def test_what_extensions_of_iptables_ask(rule: str, stopped: set[bool]) -> None:
    findings = of_iptables_nft(rule)
    assert {each.entering for each in findings} == stopped
    assert {each.rule for each in findings} <= {"", "8 (drop)"}


def test_a_chain_that_changed_meanwhile() -> None:
    listing = [{"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 7, "expr": [ACCEPT]}}]
    assert completed(listing, SAVED.format(rule="-j DROP"), "ip") == listing


def relay_stopped(*rules: list[dict[str, Any]], hook: str = "input") -> list[Finding]:
    listing = table(*rules)
    listing[0]["chain"]["hook"] = hook
    return list(ForeignRules(listing).relay_obstacles(40000, "eth0"))


def test_what_enters_for_the_relay() -> None:
    (finding,) = relay_stopped()
    assert finding.what.startswith("the policy drop of chain base of table inet t stops connections over IPv6 to ")
    assert finding.remedy == "nft insert rule inet t base ct status dnat accept"
    assert relay_stopped([match({"ct": {"key": "status"}}, "dnat"), ACCEPT]) == []
    assert relay_stopped([match({"fib": {"result": "type", "flags": ["daddr"]}}, "local"), ACCEPT]) == []
    assert relay_stopped(hook="forward") == []


def test_the_relay_behind_ufw() -> None:
    (finding,) = ForeignRules(listed("ufw")).relay_obstacles(40000, "eth0")
    assert (finding.family, finding.chain) == ("ip6", "INPUT")
    assert "before6.rules" in finding.remedy
    assert list(ForeignRules(listed("firewalld")).relay_obstacles(40000, "eth0")) == []
