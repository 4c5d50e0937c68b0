"""Profiles select rules by capability, architecture and kernel; programs come out of them."""

import json

import pytest

from weft.model.errors import InvalidParameter
from weft.runtime.seccomp.bpf import Compiler
from weft.runtime.seccomp.filters import SeccompFilters
from weft.runtime.seccomp.profile import parse, select

PROFILE = json.dumps(
    {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_BPF"]}},
            {"names": ["s390"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
            {"names": ["newer"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        ],
    }
)


def names(capabilities: set[str], kernel: str = "6.1.0-13-amd64") -> list[str]:
    selection = select(parse(PROFILE), capabilities, machine="x86_64", kernel=kernel)
    return [rule.names[0] for rule in selection.rules]


def test_rules_are_selected_by_their_conditions() -> None:
    assert names(set()) == ["read", "bpf", "newer"]
    assert names({"CAP_SYS_ADMIN", "CAP_BPF"}) == ["read", "mount", "newer"]
    assert names(set(), kernel="4.4.0") == ["read", "bpf"]


def test_the_oci_form_carries_errors_and_architectures() -> None:
    oci = select(parse(PROFILE), (), machine="x86_64").oci()
    assert oci["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert oci["defaultErrnoRet"] == 38
    assert {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1} in oci["syscalls"]  # type: ignore[operator]


def test_a_program_is_whole_instructions_and_depends_on_the_rules() -> None:
    compiler = Compiler()
    few = compiler.compile(select(parse(PROFILE), ()))
    more = compiler.compile(select(parse(PROFILE), {"CAP_SYS_ADMIN"}))
    assert few
    assert len(few) % 8 == 0
    assert few != more


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Decoding seccomp profile failed"),
        ('{"syscalls":[]}', "Decoding seccomp profile failed"),
        ('{"defaultAction":"SCMP_ACT_NOTIFY"}', "action SCMP_ACT_NOTIFY is not supported"),
        ('{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PDP11"]}', "unknown architecture"),
        (
            '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL",'
            '"args":[{"index":0,"value":1,"op":"SCMP_CMP_NEAR"}]}]}',
            "unknown operator SCMP_CMP_NEAR",
        ),
    ],
)
def test_wrong_profiles_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        SeccompFilters().check(text, ())


def test_crun_gets_a_program_and_runc_rules() -> None:
    filters = SeccompFilters()
    crun: dict[str, object] = {"linux": {}}
    filters.apply(crun, "", ("CAP_CHOWN",), runtime="crun")
    assert list(crun["annotations"]) == ["run.oci.seccomp_bpf_data"]  # type: ignore[call-overload]
    runc: dict[str, object] = {"linux": {}}
    filters.apply(runc, "", ("CAP_CHOWN",), runtime="runc")
    assert runc["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"  # type: ignore[index]
    free: dict[str, object] = {"linux": {}}
    filters.apply(free, "unconfined", (), runtime="crun")
    assert free == {"linux": {}}
