"""Container create: what is taken, and what is refused with which words."""

import json
from dataclasses import fields, replace
from typing import Any

import msgspec
import pytest

from weft.api.body import decode
from weft.api.version import MAXIMUM, Version
from weft.api.wire.container_create import DECODER, Creation, container_creation
from weft.api.wire.container_inspect import Surroundings, container_inspect
from weft.api.wire.machine import Machine
from weft.engine.contract.runtime import LimitSupport
from weft.model.container import ContainerRecord, ContainerSpec, MountSpec, MountType, Resources, RestartPolicy, Ulimit
from weft.model.errors import InvalidParameter, Unimplemented
from weft.model.health import HealthCheck
from weft.model.port import ContainerPort, Protocol

EVERY_LIMIT = LimitSupport(fields=frozenset(each.name for each in fields(Resources)), cpus="0-1", mems="0")
MACHINE = Machine(cpus=2, runtime="crun", cgroup_version=1, exec_root="/run/weft", limits=EVERY_LIMIT)

# what docker 20.10 sends for `docker run busybox`, shortened by nothing
CLI_BODY: dict[str, Any] = {
    "Hostname": "", "Domainname": "", "User": "", "AttachStdin": False, "AttachStdout": True, "AttachStderr": True,
    "Tty": False, "OpenStdin": False, "StdinOnce": False, "Env": [], "Cmd": None, "Image": "busybox", "Volumes": {},
    "WorkingDir": "", "Entrypoint": None, "OnBuild": None, "Labels": {},
    "HostConfig": {
        "Binds": None, "ContainerIDFile": "", "LogConfig": {"Type": "", "Config": {}}, "NetworkMode": "default",
        "PortBindings": {}, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": False,
        "VolumeDriver": "", "VolumesFrom": None, "CapAdd": None, "CapDrop": None, "CgroupnsMode": "", "Dns": [],
        "DnsOptions": [], "DnsSearch": [], "ExtraHosts": None, "GroupAdd": None, "IpcMode": "", "Cgroup": "",
        "Links": None, "OomScoreAdj": 0, "PidMode": "", "Privileged": False, "PublishAllPorts": False,
        "ReadonlyRootfs": False, "SecurityOpt": None, "UTSMode": "", "UsernsMode": "", "ShmSize": 0,
        "ConsoleSize": [0, 0], "Isolation": "", "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "",
        "BlkioWeight": 0, "BlkioWeightDevice": [], "BlkioDeviceReadBps": None, "BlkioDeviceWriteBps": None,
        "BlkioDeviceReadIOps": None, "BlkioDeviceWriteIOps": None, "CpuPeriod": 0, "CpuQuota": 0,
        "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [],
        "DeviceCgroupRules": None, "DeviceRequests": None, "KernelMemory": 0, "KernelMemoryTCP": 0,
        "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": -1, "OomKillDisable": False, "PidsLimit": 0,
        "Ulimits": None, "CpuCount": 0, "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0,
        "MaskedPaths": None, "ReadonlyPaths": None,
    },
    "NetworkingConfig": {"EndpointsConfig": {}},
    "SomethingNew": {"of": "a later client"},
}  # fmt: skip


def creation(body: object, version: Version = MAXIMUM) -> Creation:
    return container_creation(decode(msgspec.json.encode(body), DECODER), version, MACHINE)


def host(**options: Any) -> Creation:
    return creation({"Image": "busybox", "HostConfig": options})


def inspect(body: object, version: Version = MAXIMUM) -> dict[str, Any]:
    made = creation(body, version)
    record = ContainerRecord(id="a" * 64, name="c", created=1, image_id="sha256:1", spec=made.spec)
    around = Surroundings(
        machine=MACHINE, directory="/d", layers=("/l1", "/l2"), log_path="/d/log", sandbox_path="", exec_ids=()
    )
    return dict(msgspec.json.decode(msgspec.json.encode(container_inspect(record, around, version))))


def test_what_the_cli_sends_for_nothing_special_is_nothing_special() -> None:
    assert creation(CLI_BODY).spec.networking.mode == "bridge"
    assert msgspec.to_builtins(creation(CLI_BODY).spec.resources) == msgspec.to_builtins(
        creation({"Image": "busybox"}).spec.resources
    )
    assert creation(CLI_BODY).warnings == ()


def test_null_is_as_good_as_nothing_in_every_field() -> None:
    fields = {f.encode_name for f in msgspec.structs.fields(type(DECODER.decode(b'{"Image":"x"}')))}
    body = dict.fromkeys(fields) | {"Image": "busybox"}
    host_fields = dict.fromkeys(CLI_BODY["HostConfig"])
    assert creation(body).spec == creation({"Image": "busybox"}).spec
    assert creation(body | {"HostConfig": host_fields}).spec == creation({"Image": "busybox"}).spec


def test_host_config_comes_back_as_it_was_sent() -> None:
    options: dict[str, Any] = {
        "Binds": ["/a:/b:ro", "vol:/data", "vol2:/x:z,nocopy"],
        "ContainerIDFile": "/tmp/cid",
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": "10m", "max-file": "3", "compress": "true", "mode": "blocking", "labels": "a"},
        },
        "NetworkMode": "my-net",
        "PortBindings": {
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "::1", "HostPort": "8000-8010"}],
            "53/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
        },
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "VolumesFrom": ["other:ro"],
        "ConsoleSize": [24, 80],
        "CapAdd": ["CAP_NET_ADMIN"],
        "CapDrop": ["ALL"],
        "Dns": ["1.1.1.1"],
        "DnsOptions": ["ndots:1"],
        "DnsSearch": ["example.org"],
        "ExtraHosts": ["h:host-gateway", "v6:[::1]"],
        "GroupAdd": ["audio"],
        "IpcMode": "shareable",
        "CgroupnsMode": "private",
        "Annotations": {"com.example.key": "value"},
        "PidMode": "host",
        "Privileged": True,
        "PublishAllPorts": True,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"],
        "Tmpfs": {"/run": "size=1m"},
        "UTSMode": "host",
        "UsernsMode": "host",
        "ShmSize": 1000,
        "Sysctls": {"net.ipv4.ip_forward": "1"},
        "Runtime": "crun",
        "CpuShares": 512,
        "Memory": 8000000,
        "NanoCpus": 1500000000,
        "CgroupParent": "/p",
        "MemoryReservation": 7000000,
        "MemorySwap": -1,
        "MemorySwappiness": 0,
        "OomKillDisable": True,
        "OomScoreAdj": -5,
        "CpusetCpus": "0-1",
        "CpusetMems": "0",
        "CpuRealtimePeriod": 1000,
        "CpuRealtimeRuntime": 500,
        "BlkioWeight": 10,
        "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 20}],
        "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}],
        "BlkioDeviceWriteBps": [{"Path": "/dev/sda", "Rate": 2}, {"Path": "/dev/sdb", "Rate": 3}],
        "BlkioDeviceReadIOps": [{"Path": "/dev/sda", "Rate": 4}],
        "BlkioDeviceWriteIOps": [{"Path": "/dev/sda", "Rate": 5}],
        "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/f", "CgroupPermissions": "rw"}],
        "DeviceCgroupRules": ["c 42:* rmw"],
        "PidsLimit": 10,
        "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
        "Mounts": [
            {
                "Type": "bind",
                "Source": "/s",
                "Target": "/t",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rslave", "NonRecursive": True, "CreateMountpoint": True},
            },
            {
                "Type": "bind",
                "Source": "/s",
                "Target": "/t2",
                "ReadOnly": True,
                "BindOptions": {"ReadOnlyNonRecursive": True},
            },
            {"Type": "image", "Source": "busybox", "Target": "/i", "ImageOptions": {"Subpath": "etc"}},
            {
                "Type": "volume",
                "Source": "vv",
                "Target": "/v",
                "VolumeOptions": {
                    "NoCopy": True,
                    "Labels": {"a": "b"},
                    "DriverConfig": {"Name": "local"},
                    "Subpath": "s/t",
                },
            },
            {
                "Type": "tmpfs",
                "Target": "/m",
                "TmpfsOptions": {"SizeBytes": 100, "Mode": 0o1770, "Options": [["noexec"]]},
            },
        ],
        "MaskedPaths": [],
        "ReadonlyPaths": ["/proc/sys"],
        "Init": True,
    }  # fmt: skip
    answer = inspect({"Image": "busybox", "HostConfig": options})["HostConfig"]
    assert {name: answer[name] for name in options} == options


def test_config_comes_back_as_it_was_sent() -> None:
    config: dict[str, Any] = {
        "Hostname": "web-1",
        "Domainname": "example.org",
        "User": "nobody",
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": False,
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Tty": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "Env": ["A=b", "C"],
        "Cmd": ["a", "b"],
        "Image": "busybox",
        "Volumes": {"/data": {}},
        "WorkingDir": "/w",
        "Entrypoint": ["/e"],
        "Labels": {"l": "v"},
        "StopSignal": "INT",
        "StopTimeout": 0,
        "Shell": ["/bin/sh", "-c"],
        "Healthcheck": {"Test": ["NONE"]},
    }
    answer = inspect(config)
    assert {name: answer["Config"][name] for name in config} == config
    assert (answer["Path"], answer["Args"]) == ("/e", ["a", "b"])


def test_defaults_are_those_of_docker() -> None:
    answer = inspect({"Image": "busybox"})
    given = answer["HostConfig"]
    assert given["NetworkMode"] == "bridge"
    assert given["LogConfig"] == {"Type": "json-file", "Config": {}}
    assert given["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert (given["IpcMode"], given["CgroupnsMode"]) == ("private", "host")
    assert (given["Dns"], given["CapAdd"], given["PidsLimit"], given["Ulimits"]) == ([], None, None, [])
    assert "/proc/kcore" in given["MaskedPaths"]
    assert "/proc/sys" in given["ReadonlyPaths"]
    assert not {"Mounts", "Tmpfs", "Sysctls", "Init", "KernelMemory", "StorageOpt"} & given.keys()
    assert inspect({"Image": "busybox"}, Version(1, 41))["HostConfig"]["KernelMemory"] == 0
    assert inspect({"Image": "b", "HostConfig": {"Privileged": True}})["HostConfig"]["MaskedPaths"] is None
    assert answer["Config"]["Hostname"] == "a" * 12
    assert inspect({"Image": "b", "HostConfig": {"Memory": 8000000}})["HostConfig"]["MemorySwap"] == 16000000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"RestartPolicy": {"Name": "x"}},
            "invalid restart policy: unknown policy 'x'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
        ),
        (
            {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}},
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        ),
        (
            {"RestartPolicy": {"Name": "no", "MaximumRetryCount": -3}},
            "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
        ),
        (
            {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -3}},
            "invalid restart policy: maximum retry count cannot be negative",
        ),
        (
            {"AutoRemove": True, "RestartPolicy": {"Name": "always"}},
            "can't create 'AutoRemove' container with restart policy",
        ),
        ({"Memory": 100}, "Minimum memory limit allowed is 6MB"),
        (
            {"Memory": 8000000, "MemorySwap": 4},
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            {"MemorySwap": 400000000},
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        ({"MemoryReservation": 100}, "Minimum memory reservation allowed is 6MB"),
        (
            {"Memory": 8000000, "MemoryReservation": 9000000},
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        ({"NanoCpus": 99000000000}, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"),
        ({"NanoCpus": -1}, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"),
        (
            {"NanoCpus": 10000000, "CpuPeriod": 100},
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ),
        (
            {"CpuPeriod": 1},
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        ({"CpuQuota": 1}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        ({"CpusetCpus": "0-2"}, "Requested CPUs are not available - requested 0-2, available: 0-1"),
        ({"CpusetMems": "1"}, "Requested memory nodes are not available - requested 1, available: 0"),
        ({"CpusetCpus": "1-"}, "Invalid value 1- for cpuset cpus: invalid format: 1-"),
        ({"CpusetCpus": "1-0"}, "Invalid value 1-0 for cpuset cpus: invalid format: 1-0"),
        ({"CpusetMems": "9999"}, "Invalid value 9999 for cpuset mems: value of out range, maximum is 8192"),
        (
            {"CpuRealtimePeriod": 5, "CpuRealtimeRuntime": 6},
            "cpu real-time runtime cannot be higher than cpu real-time period",
        ),
        ({"MemorySwappiness": 101}, "Invalid value: 101, valid memory swappiness range is 0-100"),
        ({"BlkioWeight": 5}, "Range of blkio weight is from 10 to 1000"),
        ({"BlkioDeviceReadBps": [{"Path": "sda", "Rate": 5}]}, "bad format for device path: sda"),
        ({"DeviceCgroupRules": ["c 1 r"]}, "invalid device cgroup rule format: 'c 1 r'"),
        ({"Devices": [{"PathOnHost": "/dev/x", "CgroupPermissions": "rr"}]}, "invalid device mode: rr"),
        ({"Devices": [{"PathOnHost": "x"}]}, "invalid device path 'x': it must be absolute"),
        (
            {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu", "nvidia"], ["compute"]]}]},
            'could not select device driver "" with capabilities: [[gpu nvidia] [compute]]',
        ),
        (
            {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["vendor.com/class=a"]}]},
            'could not select device driver "cdi" with capabilities: []; Weft injects no devices by CDI, use --device',
        ),
        ({"IOMaximumIOps": 1}, "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"),
        ({"PortBindings": {"x": [{}]}}, 'invalid port specification: "x"'),
        ({"PortBindings": {"99999/tcp": [{}]}}, 'invalid port specification: "99999"'),
        ({"PortBindings": {"0/tcp": [{}]}}, 'invalid port specification: "0"'),
        ({"PortBindings": {"80/tcp": [{"HostPort": "x"}]}}, 'invalid port specification: "x"'),
        ({"PortBindings": {"80/tcp": [{"HostPort": "99999"}]}}, 'invalid port specification: "99999"'),
        ({"PortBindings": {"80/tcp": [{"HostPort": "9-8"}]}}, 'invalid port specification: "9-8"'),
        ({"PortBindings": {"80/foo": None}}, 'invalid port specification: "80/foo": unknown protocol foo'),
        (
            {"Binds": ["x"]},
            "invalid volume specification: 'x': invalid mount config for type \"volume\": invalid mount path: 'x' "
            "mount path must be absolute",
        ),
        ({"Binds": [""]}, "invalid volume specification: ''"),
        ({"Binds": ["a:b:c:d"]}, "invalid volume specification: 'a:b:c:d'"),
        (
            {"Binds": ["/a:b"]},
            "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' "
            "mount path must be absolute",
        ),
        ({"Binds": ["/a:/b:zz"]}, "invalid mode: zz"),
        ({"Binds": ["/a:/b:ro,rw"]}, "invalid mode: ro,rw"),
        ({"Binds": ["/a:/b", "/c:/b/"]}, "Duplicate mount point: /b"),
        (
            {"Binds": ["x:/"]},
            "invalid volume specification: 'x:/': invalid mount config for type \"volume\": invalid specification: "
            "destination can't be '/'",
        ),
        (
            {"Binds": ["a b:/b"]},
            'create a b: "a b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" '
            "are allowed. If you intended to pass a host directory, use absolute path",
        ),
        (
            {"Mounts": [{"Type": "foo", "Target": "/x"}]},
            'invalid mount config for type "foo": mount type unknown',
        ),
        (
            {"Mounts": [{"Type": "bind", "Target": "/x"}]},
            'invalid mount config for type "bind": field Source must not be empty',
        ),
        ({"Mounts": [{"Type": "volume"}]}, 'invalid mount config for type "volume": field Target must not be empty'),
        (
            {"Mounts": [{"Type": "tmpfs", "Source": "x", "Target": "/x"}]},
            'invalid mount config for type "tmpfs": field Source must not be specified',
        ),
        (
            {"Mounts": [{"Type": "bind", "Source": "/s", "Target": "/x", "VolumeOptions": {}}]},
            'invalid mount config for type "bind": field VolumeOptions must not be specified',
        ),
        (
            {"Mounts": [{"Type": "bind", "Source": "/s", "Target": "/x", "BindOptions": {"Propagation": "z"}}]},
            'invalid mount config for type "bind": invalid propagation mode: z',
        ),
        (
            {
                "Mounts": [
                    {
                        "Type": "bind",
                        "Source": "/s",
                        "Target": "/x",
                        "BindOptions": {"ReadOnlyNonRecursive": True, "ReadOnlyForceRecursive": True},
                    }
                ]
            },
            "mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive",
        ),
        (
            {"Mounts": [{"Type": "volume", "Source": "vv", "Target": "/x", "VolumeOptions": {"Subpath": "a/../b"}}]},
            'invalid mount config for type "volume": subpath must be a relative path within the volume',
        ),
        (
            {"Mounts": [{"Type": "image", "Target": "/x"}]},
            'invalid mount config for type "image": field Source must not be empty',
        ),
        (
            {"Mounts": [{"Type": "npipe", "Source": "x", "Target": "/x"}]},
            'invalid mount config for type "npipe": mount type unknown',
        ),
        ({"Tmpfs": {"x": ""}}, "invalid mount path: 'x' mount path must be absolute"),
        ({"Tmpfs": {"/": ""}}, "invalid specification: destination can't be '/'"),
        ({"Ulimits": [{"Name": "zz"}]}, "invalid ulimit type: zz"),
        (
            {"Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 1}]},
            "ulimit soft limit must be less than or equal to hard limit: 10 > 1",
        ),
        ({"ExtraHosts": ["a"]}, 'bad format for add-host: "a"'),
        ({"ExtraHosts": ["a:b"]}, 'invalid IP address in add-host: "b"'),
        ({"Dns": ["x"]}, "bad nameserver address: x: it is not an IP address"),
        ({"NetworkMode": "container:"}, "invalid network mode: invalid container format container:<name|id>"),
        (
            {"NetworkMode": "host", "Links": ["a"]},
            "conflicting options: host type networking can't be used with links. "
            "This would result in undefined behavior",
        ),
        ({"NetworkMode": "container:a", "Dns": ["1.1.1.1"]}, "conflicting options: dns and the network mode"),
        (
            {"NetworkMode": "container:a", "PublishAllPorts": True},
            "conflicting options: port publishing and the container type network mode",
        ),
        ({"PidMode": "x"}, "invalid PID mode: x"),
        ({"IpcMode": "container:"}, "invalid IPC mode: container:"),
        ({"UTSMode": "x"}, "invalid UTS mode: x"),
        ({"CgroupnsMode": "x"}, "invalid cgroup namespace mode: x"),
        ({"Runtime": "x"}, "unknown or invalid runtime name: x"),
        ({"Isolation": "x"}, "invalid isolation: \"x\" - linux only supports 'default'"),
        ({"SecurityOpt": ["writable-cgroups=x"]}, 'invalid --security-opt 2: "writable-cgroups=x"'),
        ({"SecurityOpt": ["systempaths=unconfined"]}, 'invalid --security-opt 2: "systempaths=unconfined"'),
        ({"Annotations": {"": "x"}}, "invalid Annotations: the empty string is not permitted as an annotation key"),
        ({"CapAdd": ["zz"]}, 'invalid CapAdd: unknown capability: "CAP_ZZ"'),
        ({"SecurityOpt": ["zz"]}, 'invalid --security-opt 1: "zz"'),
        ({"LogConfig": {"Type": "syslog"}}, 'error looking up logging plugin syslog: plugin "syslog" not found'),
        ({"LogConfig": {"Config": {"mode": "x"}}}, "logger: logging mode not supported: x"),
        (
            {"LogConfig": {"Config": {"max-buffer-size": "1m"}}},
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        ({"LogConfig": {"Type": "local", "Config": {"env": "A"}}}, "unknown log opt 'env' for log driver local"),
        (
            {"LogConfig": {"Config": {"compress": "true", "max-file": "3"}}},
            "compress cannot be true when max-file is less than 2 or max-size is not set",
        ),
        ({"LogConfig": {"Config": {"compress": "x"}}}, 'strconv.ParseBool: parsing "x": invalid syntax'),
        (
            {"LogConfig": {"Config": {"labels-regex": "("}}},
            "error parsing regexp: missing ), unterminated subpattern at position 0: `(`",
        ),
        (
            {"LogConfig": {"Config": {"tag": "{{.Nonsense}}"}}},
            "invalid log tag: {{.Nonsense}}: there are ID, FullID, Name, ImageID, ImageFullID, ImageName, DaemonName, "
            "Command",
        ),
        (
            {"LogConfig": {"Type": "json-file", "Config": {"foo": "x"}}},
            "unknown log opt 'foo' for json-file log driver",
        ),
        ({"LogConfig": {"Type": "", "Config": {"max-size": "x"}}}, "invalid size: 'x'"),
        ({"ShmSize": -1}, "SHM size can not be less than 0"),
        ({"OomScoreAdj": 2000}, "Invalid value 2000, range for oom score adj is [-1000, 1000]"),
        ({"VolumeDriver": "zz"}, 'error looking up volume plugin zz: plugin "zz" not found'),
        ({"Memory": "x"}, "invalid JSON: field HostConfig.Memory: expected int | null, got str"),
        ({"Binds": [1]}, "invalid JSON: field HostConfig.Binds[0]: expected str, got int"),
    ],
)
def test_wrong_host_config(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        host(**options)
    assert caught.value.message == message


def test_the_machines_own_defaults_and_names() -> None:
    machine = replace(MACHINE, runtimes=frozenset({"crun", "runc"}), log_driver="local")

    def made(**options: Any) -> ContainerSpec:
        request = decode(json.dumps({"Image": "busybox", "HostConfig": options}).encode(), DECODER)
        return container_creation(request, MAXIMUM, machine).spec

    assert [made(Runtime=name).runtime for name in ("", "runc", "crun")] == ["", "runc", "crun"]
    with pytest.raises(InvalidParameter, match="unknown or invalid runtime name: kata"):
        made(Runtime="kata")
    assert (made().log.driver, made(LogConfig={"Type": "json-file"}).log.driver) == ("local", "json-file")
    assert (made().shm_size, made(ShmSize=7).shm_size) == (0, 7)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Image": ""}, "config cannot be empty in order to create a container"),
        ({"Hostname": "a b"}, "invalid hostname format: a b"),
        ({"Hostname": "x" * 64}, f"invalid hostname format: {'x' * 64}"),
        ({"Env": ["=x"]}, "invalid environment variable: =x"),
        ({"WorkingDir": "x"}, "the working directory 'x' is invalid, it needs to be an absolute path"),
        ({"MacAddress": "x"}, "invalid MAC address: x"),
        ({"ExposedPorts": {"x": {}}}, 'invalid port specification: "x"'),
        (
            {"NetworkingConfig": {"EndpointsConfig": {"a": {"IPAMConfig": {"IPv4Address": "x"}, "MacAddress": "y"}}}},
            "invalid endpoint settings:\ninvalid IPv4 address: x\ninvalid MAC address: y",
        ),
        (
            {"Hostname": "h", "HostConfig": {"NetworkMode": "container:a"}},
            "conflicting options: hostname and the network mode",
        ),
        (
            {"ExposedPorts": {"80": {}}, "HostConfig": {"NetworkMode": "container:a"}},
            "conflicting options: port exposing and the container type network mode",
        ),
        (
            {"MacAddress": "02:00:00:00:00:01", "HostConfig": {"NetworkMode": "host"}},
            "conflicting options: mac-address and the network mode",
        ),
    ],
)
def test_wrong_config(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        creation({"Image": "busybox", **config})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cgroup", "container:x"),
        ("CpuCount", 1),
        ("StorageOpt", {"size": "1g"}),
        ("UsernsMode", "private"),
        ("SecurityOpt", ["label=type:x"]),
        ("LogConfig", {"Type": "json-file", "Config": {"mode": "non-blocking"}}),
        ("LogConfig", {"Type": "json-file", "Config": {"tag": "{{upper .Name}}"}}),
        (
            "Mounts",
            [
                {
                    "Type": "bind",
                    "Source": "/s",
                    "Target": "/t",
                    "BindOptions": {"Propagation": "rshared", "NonRecursive": True},
                }
            ],
        ),
        ("Mounts", [{"Type": "cluster", "Target": "/x", "Source": "y"}]),
    ],
)
def test_what_weft_lacks_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(Unimplemented) as caught:
        host(**{name: value})
    words = {"SecurityOpt": "security option label", "LogConfig": "log opt '"}
    assert words.get(name, name).lower() in caught.value.message.lower()


@pytest.mark.parametrize(
    ("health", "message"),
    [
        ({"Interval": 5}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"Timeout": -1}, "Timeout in Healthcheck cannot be less than 1ms"),
        ({"StartPeriod": 999_999}, "StartPeriod in Healthcheck cannot be less than 1ms"),
        ({"StartInterval": 1}, "StartInterval in Healthcheck cannot be less than 1ms"),
        ({"Test": ["CMD", "x"], "Retries": -1}, "Retries in Healthcheck cannot be negative"),
        ({"Test": ["SOMEHOW", "x"]}, "unknown Healthcheck type 'SOMEHOW': use NONE, CMD or CMD-SHELL"),
    ],
)
def test_health_checks_that_are_refused(health: object, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        creation({"Image": "busybox", "Healthcheck": health})
    assert caught.value.message == message


def test_health_checks() -> None:
    asked = {"Test": ["CMD", "x"], "Interval": 1_000_000, "Retries": 2, "StartPeriod": 3_000_000}
    asked |= {"StartInterval": 2_000_000, "Timeout": 4_000_000}
    check = creation({"Image": "b", "Healthcheck": asked}).spec.health
    assert check == HealthCheck(
        test=("CMD", "x"),
        interval=1_000_000,
        timeout=4_000_000,
        start_period=3_000_000,
        start_interval=2_000_000,
        retries=2,
    )
    assert inspect({"Image": "b", "Healthcheck": asked})["Config"]["Healthcheck"] == asked
    old = creation({"Image": "b", "Healthcheck": asked | {"StartInterval": 1}}, Version(1, 43)).spec.health
    assert old == replace(check, start_interval=0)
    assert creation({"Image": "b"}).spec.health is None
    assert creation({"Image": "b", "Healthcheck": {"Test": ["NONE"]}}).spec.health == HealthCheck(test=("NONE",))


def test_limits_that_the_machine_has_not_are_left_out_with_a_warning() -> None:
    """Those of cgroup version 2 with the controllers memory and pids alone."""
    known = frozenset({"memory", "memory_swap", "memory_reservation", "pids_limit"})
    machine = replace(MACHINE, cgroup_version=2, limits=LimitSupport(fields=known))
    options = {
        "Memory": 8000000, "MemorySwappiness": 999, "OomKillDisable": True, "PidsLimit": 5, "CpusetCpus": "7",
        "CpuShares": 5, "BlkioWeight": 5, "BlkioDeviceWriteIOps": [{"Path": "/dev/sda", "Rate": 1}], "KernelMemory": 1,
    }  # fmt: skip
    request = decode(json.dumps({"Image": "busybox", "HostConfig": options}).encode(), DECODER)
    made = container_creation(request, MAXIMUM, machine)
    assert made.spec.resources == Resources(memory=8000000, memory_swap=16000000, pids_limit=5)
    missing = "or the cgroup is not mounted."
    assert [text.removeprefix("Your kernel does not support ") for text in made.warnings] == [
        f"memory swappiness capabilities {missing} Memory swappiness discarded.",
        "OomKillDisable. OomKillDisable discarded.",
        f"CPU shares {missing} Shares discarded.",
        f"cpuset {missing} Cpuset discarded.",
        f"Block I/O weight {missing} Weight discarded.",
        f"IOPS Block write limit {missing} Block I/O IOPS write limit discarded.",
        f"kernel memory limit capabilities {missing} Limitation discarded.",
    ]


def test_swap_that_cannot_be_limited_is_told_of() -> None:
    limits = replace(EVERY_LIMIT, fields=EVERY_LIMIT.fields - {"memory_swap"})
    request = decode(json.dumps({"Image": "b", "HostConfig": {"Memory": 8000000}}).encode(), DECODER)
    made = container_creation(request, MAXIMUM, replace(MACHINE, limits=limits))
    assert made.spec.resources.memory_swap == -1
    assert "Memory limited without swap." in made.warnings[0]


def test_an_oom_killer_that_is_off_without_a_limit_is_warned_of() -> None:
    assert "no memory limit is set" in host(OomKillDisable=True).warnings[0]
    assert host(OomKillDisable=True, Memory=8000000).warnings == ()


def test_networks_of_a_create() -> None:
    body = {
        "Image": "b",
        "HostConfig": {"NetworkMode": "default"},
        "NetworkingConfig": {
            "EndpointsConfig": {
                "default": None,
                "n": {"Aliases": ["x"], "GwPriority": 5, "MacAddress": "AA-bb-cc-00-11-22"},
            }
        },
    }
    made = creation(body)
    assert list(made.networks) == ["bridge", "n"]
    assert made.networks["n"].aliases == ("x",)
    assert made.networks["n"].gateway_priority == 5
    assert made.networks["n"].mac_address == "aa:bb:cc:00:11:22"
    with pytest.raises(InvalidParameter) as caught:
        creation(body, Version(1, 43))
    assert caught.value.message == "Container cannot be created with multiple network endpoints: default, n"


def test_the_container_wide_mac_address_goes_to_the_main_network() -> None:
    body = {"Image": "b", "MacAddress": "02:00:00:00:00:01", "HostConfig": {"NetworkMode": "n"}}
    old, new = creation(body, Version(1, 43)), creation(body)
    assert old.networks["n"].mac_address == new.networks["n"].mac_address == "02:00:00:00:00:01"
    assert old.warnings == ()
    assert "deprecated" in new.warnings[0]
    with pytest.raises(InvalidParameter, match="must match the endpoint-specific MAC address"):
        creation(body | {"NetworkingConfig": {"EndpointsConfig": {"n": {"MacAddress": "02:00:00:00:00:02"}}}})


def test_ports() -> None:
    spec = creation(
        {
            "Image": "b",
            "ExposedPorts": {"8000-8002/udp": {}, "80": {}},
            "HostConfig": {"PortBindings": {"80/tcp": [], "81/sctp": None, "82": [{"HostPort": "0"}]}},
        }
    ).spec.networking
    udp = [ContainerPort(number, Protocol.UDP) for number in (8000, 8001, 8002)]
    assert spec.exposed == (*udp, ContainerPort(80))
    assert [(r.container_port, r.host_address, r.host_first, r.host_last) for r in spec.ports] == [
        (ContainerPort(80), None, 0, 0),
        (ContainerPort(81, Protocol.SCTP), None, 0, 0),
        (ContainerPort(82), None, 0, 0),
    ]


def test_mounts_limits_and_policies_reach_the_model() -> None:
    spec = host(
        Binds=["/a:/b:ro,rshared", "/anonymous"],
        Tmpfs={"/t": "size=1m"},
        RestartPolicy={"Name": ""},
        Ulimits=[{"Name": "nofile", "Soft": 1, "Hard": -1}],
        PidsLimit=-1,
        CpuShares=-1,
        CapAdd=["net_admin", "all"],
    ).spec
    assert spec.mounts == (
        MountSpec(
            type=MountType.BIND,
            source="/a",
            target="/b",
            read_only=True,
            mode="ro,rshared",
            propagation="rshared",
            from_binds=True,
        ),
        MountSpec(type=MountType.VOLUME, target="/anonymous", from_binds=True),
        MountSpec(type=MountType.TMPFS, target="/t", tmpfs_options="size=1m", from_binds=True),
    )
    assert spec.restart == RestartPolicy()
    assert spec.resources.ulimits == (Ulimit(name="nofile", soft=1, hard=-1),)
    assert (spec.resources.pids_limit, spec.resources.cpu_shares) == (None, 0)
    assert spec.security.cap_add == ("CAP_NET_ADMIN", "ALL")


def test_one_word_may_stand_for_a_command() -> None:
    process = creation({"Image": "b", "Cmd": "ls", "Entrypoint": "sh"}).spec.process
    assert (process.entrypoint, process.cmd) == (("sh",), ("ls",))
    assert creation({"Image": "b", "Entrypoint": []}).spec.process.entrypoint == ()
