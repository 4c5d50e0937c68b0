"""Other programs' tables: what of them stops our traffic, by the tables that they really make."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from weft.firewall.foreign import Finding, ForeignRules, summary
from weft.firewall.legacy import legacy_listing
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
