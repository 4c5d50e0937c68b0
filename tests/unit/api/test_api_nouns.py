"""Routes of networks, volumes, images, the system, swarm and plugins."""

import base64
import io
import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from fake_backend import FakeEngine
from fake_containers import IMAGE_ID

from weft.engine.contract.images import Credentials
from weft.model.container import ContainerSpec, Mount, MountType, ProcessSpec
from weft.model.endpoint import EndpointSpec


async def _call(http: aiohttp.ClientSession, method: str, path: str, body: object = None, **options: Any) -> Any:
    async with http.request(method, path, json=body, **options) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


async def test_distribution(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    account = {"username": "me", "password": "secret"}
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(account).encode()).decode()}
    status, answer = await _call(http, "GET", "/distribution/busybox:latest/json", headers=headers)
    assert (status, answer) == (
        200,
        {
            "Descriptor": {"mediaType": "a/b", "digest": "sha256:" + "ef" * 32, "size": 7},
            "Platforms": [
                {"architecture": "amd64", "os": "linux"},
                {"architecture": "arm", "os": "linux", "variant": "v7"},
            ],
        },
    )
    assert engine.images.calls == [("distribution", "busybox:latest", Credentials("me", "secret"))]
    assert (await _call(http, "GET", "/distribution/nothing/json"))[0] == 404


async def test_network_create_inspect_list_remove(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    body = {
        "Name": "n",
        "Driver": "",
        "CheckDuplicate": True,
        "EnableIPv4": False,
        "EnableIPv6": True,
        "Internal": True,
        "Attachable": True,
        "IPAM": {
            "Driver": "default",
            "Options": None,
            "Config": [
                {
                    "Subnet": "10.1.0.0/16",
                    "IPRange": "10.1.2.0/24",
                    "Gateway": "10.1.0.1",
                    "AuxAddress": {"a": "10.1.0.2"},
                },
                {},
                None,
            ],
        },
        "Options": {"o": "1"},
        "Labels": {"l": "2"},
    }
    status, created = await _call(http, "POST", "/networks/create", body)
    assert (status, created["Warning"]) == (201, "")
    spec = engine.networks.find("n").spec
    assert (spec.driver, spec.ipv4, spec.ipv6, spec.internal, spec.attachable) == ("bridge", False, True, True, True)
    (pool,) = spec.pools
    assert (pool.subnet, pool.ip_range) == (IPv4Network("10.1.0.0/16"), IPv4Network("10.1.2.0/24"))
    assert (pool.gateway, pool.aux_addresses) == (IPv4Address("10.1.0.1"), {"a": IPv4Address("10.1.0.2")})
    _, shown = await _call(http, "GET", f"/networks/{created['Id']}")
    assert shown["IPAM"]["Config"] == [{"Subnet": "10.1.0.0/16", "Gateway": "10.1.0.1"}]
    assert (shown["EnableIPv4"], shown["Labels"], shown["Options"]) == (False, {"l": "2"}, {"o": "1"})
    assert shown["ConfigFrom"] == {"Network": ""}
    assert "EnableIPv4" not in (await _call(http, "GET", "/v1.47/networks/n"))[1]
    for path in ("/networks", "/networks/"):
        assert [n["Name"] for n in (await _call(http, "GET", path))[1]] == ["bridge", "host", "none", "n"]
    assert (await _call(http, "POST", "/networks/create", body))[0] == 409
    assert await _call(http, "DELETE", "/networks/n") == (204, None)
    assert await _call(http, "DELETE", "/networks/n") == (404, {"message": "network n not found"})
    assert (await _call(http, "DELETE", "/networks/bridge"))[0] == 403


async def test_ipv4_is_always_on_for_clients_before_1_48(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    await _call(http, "POST", "/v1.47/networks/create", {"Name": "n", "EnableIPv4": False})
    assert engine.networks.find("n").spec.ipv4 is True


@pytest.mark.parametrize(
    ("pool", "problem"),
    [
        ({"Subnet": "zz"}, "invalid subnet zz: invalid CIDR block notation"),
        ({"Subnet": "10.0.0.0"}, "invalid subnet 10.0.0.0: invalid CIDR block notation"),
        ({"Subnet": "10.0.0.1/24"}, "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"),
        ({"Gateway": "10.0.0.1"}, "invalid subnet : invalid CIDR block notation"),
        ({"Subnet": "10.0.0.0/24", "Gateway": "zz"}, "invalid gateway zz: invalid address"),
        (
            {"Subnet": "10.0.0.0/24", "Gateway": "10.1.0.1"},
            "invalid gateway 10.1.0.1: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (
            {"Subnet": "10.0.0.0/24", "Gateway": "fd00::1"},
            "invalid gateway fd00::1: parent subnet is an IPv4 block",
        ),
        (
            {"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.0/16"},
            "invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.0/24",
        ),
        (
            {"Subnet": "10.0.0.0/24", "IPRange": "10.1.0.0/28"},
            "invalid ip-range 10.1.0.0/28: parent subnet 10.0.0.0/24 doesn't contain ip-range",
        ),
        (
            {"Subnet": "10.0.0.0/24", "AuxiliaryAddresses": {"a": "10.1.0.0"}},
            "invalid auxiliary address a: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
    ],
)
async def test_wrong_pools(http: aiohttp.ClientSession, pool: dict[str, Any], problem: str) -> None:
    status, answer = await _call(http, "POST", "/networks/create", {"Name": "n", "IPAM": {"Config": [pool]}})
    assert (status, answer) == (400, {"message": f"invalid network config:\n{problem}"})


async def test_connect_and_disconnect(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    engine.containers.add("c")
    body = {"Container": "c", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.0.0.5"}, "Aliases": ["a"]}}
    assert (await _call(http, "POST", "/networks/bridge/connect", body))[0] == 200
    expected = EndpointSpec(ipv4=IPv4Address("10.0.0.5"), aliases=("a",))
    assert engine.networks.calls[-1] == ("connect", "bridge", "c", expected)
    assert (await _call(http, "POST", "/networks/bridge/disconnect", {"Container": "c", "Force": True}))[0] == 200
    assert engine.networks.calls[-1] == ("disconnect", "bridge", "c", True)
    for action in ("connect", "disconnect"):
        assert await _call(http, "POST", f"/networks/bridge/{action}", {}) == (
            400,
            {"message": 'invalid name or ID supplied: ""'},
        )
    body = {"Container": "c", "EndpointConfig": {"IPAMConfig": {"LinkLocalIPs": ["x"]}}}
    assert await _call(http, "POST", "/networks/bridge/connect", body) == (
        400,
        {"message": "invalid endpoint settings:\ninvalid link-local IP address: x"},
    )


async def test_network_members_scope_and_prune(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    spec = ContainerSpec(image="busybox", process=ProcessSpec(cmd=("sleep",)))
    record = engine.containers.add("c", spec=spec)
    assert (await _call(http, "GET", "/networks/bridge"))[1]["Containers"] == {}
    await engine.containers.start("c")
    _, shown = await _call(http, "GET", "/networks/bridge?scope=local")
    assert shown["Containers"] == {
        record.id: {
            "Name": "c",
            "EndpointID": "e" * 64,
            "MacAddress": "02:42:ac:11:00:02",
            "IPv4Address": "172.17.0.2/16",
            "IPv6Address": "",
        }
    }
    assert (await _call(http, "GET", "/networks/bridge?scope=swarm"))[0] == 404
    await _call(http, "POST", "/networks/create", {"Name": "n"})
    assert (await _call(http, "POST", "/networks/prune"))[1] == {"NetworksDeleted": ["n"]}


async def test_the_endpoint_of_each_version(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    record = engine.containers.add("c")
    for version, extra in (("1.43", set()), ("1.44", {"DNSNames"}), ("1.48", {"DNSNames", "GwPriority"})):
        _, shown = await _call(http, "GET", f"/v{version}/containers/{record.id}/json")
        endpoint = shown["NetworkSettings"]["Networks"]["bridge"]
        assert endpoint.keys() & {"DNSNames", "GwPriority"} == extra
    await engine.networks.create(engine.networks.find("bridge").spec.__class__(name="mine"))
    await _call(http, "POST", "/containers/create?name=d", {"Image": "busybox", "HostConfig": {"NetworkMode": "mine"}})
    for version, aliases in (("1.44", 1), ("1.45", None)):
        _, shown = await _call(http, "GET", f"/v{version}/containers/d/json")
        got = shown["NetworkSettings"]["Networks"]["mine"]["Aliases"]
        assert got == (None if aliases is None else [shown["Id"][:12]])
        _, lines = await _call(http, "GET", f"/v{version}/containers/json?all=1")
        (listed,) = (line["NetworkSettings"]["Networks"] for line in lines if line["Names"] == ["/d"])
        absent = dict.fromkeys(("Aliases", "Links", "DriverOpts", "DNSNames"))
        assert listed["mine"] == shown["NetworkSettings"]["Networks"]["mine"] | absent


async def test_volumes(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    body = {"Name": "v", "Driver": "local", "DriverOpts": None, "Labels": {"a": "b"}}
    status, volume = await _call(http, "POST", "/volumes/create", body)
    assert status == 201
    assert (volume["Name"], volume["Labels"], volume["Options"], volume["Scope"]) == ("v", {"a": "b"}, None, "local")
    assert (await _call(http, "GET", "/volumes/v"))[1] == volume
    assert (await _call(http, "GET", "/volumes"))[1] == {"Volumes": [volume], "Warnings": None}
    assert await _call(http, "GET", "/volumes/w") == (404, {"message": "get w: no such volume"})
    assert (await _call(http, "PUT", "/volumes/v"))[0] == 503
    assert (await _call(http, "DELETE", "/volumes/v"))[0] == 204
    assert (await _call(http, "DELETE", "/volumes/v"))[0] == 404
    assert (await _call(http, "DELETE", "/volumes/v?force=1"))[0] == 204
    assert (await _call(http, "POST", "/volumes/prune"))[1] == {"VolumesDeleted": None, "SpaceReclaimed": 0}
    await _call(http, "POST", "/v1.41/volumes/prune")
    assert engine.volumes.prunes == [{}, {"all": ("true",)}]


async def test_images_listed_and_inspected(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    _, (line,) = await _call(http, "GET", "/images/json")
    assert (line["Id"], line["RepoTags"], line["Created"], line["SharedSize"]) == (
        IMAGE_ID,
        ["busybox:latest"],
        1767323045,
        -1,
    )
    assert "VirtualSize" not in line
    assert (await _call(http, "GET", "/v1.43/images/json?shared-size=1"))[1][0]["VirtualSize"] == 1000
    _, image = await _call(http, "GET", "/images/busybox/json")
    assert image["Config"] == {"Env": ["PATH=/bin"], "Cmd": ["sh"]}
    assert image["RootFS"] == {"Type": "layers", "Layers": ["sha256:" + "cd" * 32]}
    _, old = await _call(http, "GET", "/v1.44/images/busybox:latest/json")
    assert (old["Config"]["Hostname"], old["Container"]) == ("", "")
    assert await _call(http, "GET", "/images/a/b%2Fc/json") == (404, {"message": "No such image: a/b/c:latest"})
    assert (await _call(http, "GET", "/images/busybox/history"))[1][0]["Id"] == IMAGE_ID


async def test_an_image_of_another_platform_is_not_there(http: aiohttp.ClientSession) -> None:
    own = quote('{"os":"linux","architecture":"amd64"}')
    other = quote('{"os":"linux","architecture":"arm64","variant":"v8"}')
    asked = (
        ("GET", "/images/busybox/json?"),
        ("GET", "/images/busybox/history?"),
        ("GET", "/images/busybox/get?"),
        ("GET", "/images/get?names=busybox&"),
        ("POST", "/images/busybox/push?tag=latest&"),
    )
    for method, path in asked:
        async with http.request(method, f"{path}platform={own}") as response:
            assert response.status == 200, path
        status, error = await _call(http, method, f"{path}platform={other}")
        assert status == 404, path
        assert error["message"].endswith("but does not provide the specified platform (linux/arm64/v8)")
        assert (await _call(http, method, f"{path}platform=amd64"))[0] == 400
    assert (await _call(http, "POST", f"/images/load?platform={own}"))[0] == 501


async def test_images_tagged_and_removed(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    assert (await _call(http, "POST", "/images/busybox/tag?repo=a/b&tag=1"))[0] == 201
    assert engine.images.calls == [("tag", "a/b", "1")]
    assert (await _call(http, "POST", "/images/busybox/tag?repo=A"))[0] == 400
    expected = [{"Untagged": "busybox:latest"}, {"Deleted": IMAGE_ID}]
    assert await _call(http, "DELETE", "/images/busybox?force=1") == (200, expected)
    assert (await _call(http, "DELETE", "/images/nope"))[0] == 404
    assert (await _call(http, "POST", "/images/prune"))[1] == {"ImagesDeleted": None, "SpaceReclaimed": 0}


def _auth(**fields: str) -> dict[str, str]:
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()}


async def test_pull_streams_its_progress(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    headers = _auth(username="u", password="p?>", serveraddress="r:5000")
    async with http.post("/images/create?fromImage=x&tag=1&platform=linux", headers=headers) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert engine.images.calls == [("pull", "x:1", Credentials("u", "p?>", server="r:5000"), "linux", False)]
    assert lines[:3] == [
        {"status": "Pulling from library/x", "id": "latest"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "abc"},
        {"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "abc"},
    ]


@pytest.mark.parametrize(
    ("name", "all_tags"),
    [("x", True), ("r:5000/x", True), ("x:1", False), ("x@sha256:1", False), ("r:5000/x&tag=sha256:1", False)],
)
async def test_a_pull_without_tag_is_of_all(
    http: aiohttp.ClientSession, engine: FakeEngine, name: str, all_tags: bool
) -> None:
    async with http.post(f"/images/create?fromImage={name}") as response:
        assert response.status == 200
        await response.read()
    assert engine.images.calls[0][-1] is all_tags


async def test_errors_of_a_pull_before_and_after_the_first_line(http: aiohttp.ClientSession) -> None:
    assert await _call(http, "POST", "/images/create?fromImage=denied") == (401, {"message": "pull access denied"})
    async with http.post("/images/create?fromImage=broken@sha256:1") as response:
        assert response.status == 200
        last = json.loads((await response.text()).splitlines()[-1])
    assert last == {"errorDetail": {"message": "manifest unknown"}, "error": "manifest unknown"}
    assert (await _call(http, "POST", "/images/create"))[0] == 400
    assert (await _call(http, "POST", "/images/create?fromSrc=http://x/y"))[0] == 501


@pytest.mark.parametrize(
    "header", ["!!", "aGVsbG8", base64.b64encode(b'{"username":1}').decode(), "é".encode().hex() + "="]
)
async def test_malformed_credentials(http: aiohttp.ClientSession, header: str) -> None:
    status, answer = await _call(http, "POST", "/images/create?fromImage=x", headers={"X-Registry-Auth": header})
    assert status == 400
    assert answer["message"].startswith("invalid X-Registry-Auth header: ")


async def test_push_load_save_import(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    headers = _auth(auth=base64.b64encode(b"u:p").decode())
    async with http.post("/images/r:5000/x/push?tag=1", headers=headers) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert lines[-1] == {"aux": {"Tag": "latest", "Digest": "sha256:1", "Size": 3}}
    assert engine.images.calls[-1] == ("push", "r:5000/x:1", Credentials("u", "p"))
    async with http.post("/images/load?quiet=1", data=io.BytesIO(b"x" * 5_000_000)) as response:
        assert json.loads(await response.text()) == {"stream": "Loaded image: busybox:latest\n"}
    assert engine.images.received == 5_000_000
    for path in (
        "/images/busybox/get",
        "/images/get?names=busybox&names=busybox:latest",
        "/images/get?names=busybox,busybox",
    ):
        async with http.get(path) as response:
            assert (response.headers["Content-Type"], len(await response.read())) == ("application/x-tar", 3000)
    assert (await _call(http, "GET", "/images/nope/get"))[0] == 404
    assert (await _call(http, "GET", "/images/get"))[0] == 400
    path = "/images/create?fromSrc=-&repo=r&tag=t&message=m&changes=CMD+x&changes=ENV+a=b"
    async with http.post(path, data=b"tar") as response:
        assert json.loads(await response.text()) == {"status": IMAGE_ID}
    assert engine.images.calls[-1] == ("import", "r", "t", "m", ("CMD x", "ENV a=b"))


async def test_load_of_nothing(http: aiohttp.ClientSession) -> None:
    assert await _call(http, "POST", "/images/load") == (400, {"message": "unexpected EOF"})


async def test_info_and_version(http: aiohttp.ClientSession) -> None:
    _, info = await _call(http, "GET", "/info")
    assert (info["Containers"], info["ContainersRunning"], info["DefaultRuntime"]) == (3, 1, "crun")
    assert info["Runtimes"].keys() == {"crun", "runc", "io.containerd.runc.v2"}
    assert info["LoggingDriver"] == "local"
    assert (info["InitBinary"], info["InitCommit"]) == ("catatonit", {"ID": "0.1.7"})
    assert info["DriverStatus"][0] == ["Backing Filesystem", "ext4"]
    proxies = (info["HttpProxy"], info["HttpsProxy"], info["NoProxy"])
    assert proxies == ("http://xxxxx:xxxxx@proxy:3128", "", "localhost")
    assert info["CDISpecDirs"] == []
    assert info["FirewallBackend"]["Driver"] == "nftables"
    assert info["RegistryConfig"]["InsecureRegistryCIDRs"] == ["10.0.0.0/8", "127.0.0.0/8"]
    assert info["RegistryConfig"]["IndexConfigs"]["registry:5000"]["Secure"] is False
    assert info["DefaultAddressPools"] == [{"Base": "172.17.0.0/16", "Size": 16}]
    _, old = await _call(http, "GET", "/v1.41/info")
    assert "FirewallBackend" not in old
    assert old["SecurityOptions"] == ["name=seccomp,profile=default"]
    _, version = await _call(http, "GET", "/version")
    assert (version["ApiVersion"], version["MinAPIVersion"], version["Version"]) == ("1.51", "1.24", "28.5.2")
    assert [(c["Name"], c["Version"]) for c in version["Components"]][1:] == [("crun", "1.8.1"), ("conmon", "2.1.6")]


async def test_disk_usage(http: aiohttp.ClientSession, engine: FakeEngine) -> None:
    engine.containers.add("c", mounts=(Mount(type=MountType.VOLUME, source="/s", target="/t", name="v"),))
    await engine.volumes.create("v", "local", {}, {})
    _, usage = await _call(http, "GET", "/system/df")
    assert usage.keys() == {"LayersSize", "Images", "Containers", "Volumes", "BuildCache"}
    assert usage["LayersSize"] == 1000
    assert usage["Volumes"][0]["UsageData"] == {"Size": 11, "RefCount": 1}
    assert (usage["Containers"][0]["SizeRw"], usage["Images"][0]["SharedSize"]) == (10, 0)
    assert (await _call(http, "GET", "/system/df?type=volume"))[1].keys() == {"Volumes"}
    assert (await _call(http, "GET", "/system/df?type=x"))[0] == 400


async def test_auth(http: aiohttp.ClientSession) -> None:
    good = {"username": "u", "password": "right", "serveraddress": "r"}
    assert await _call(http, "POST", "/auth", good) == (200, {"Status": "Login Succeeded", "IdentityToken": ""})
    assert await _call(http, "POST", "/auth", good | {"password": "x"}) == (
        401,
        {"message": "incorrect username or password"},
    )
    assert (await _call(http, "POST", "/auth", {}))[0] == 400


async def test_swarm_and_plugins(http: aiohttp.ClientSession) -> None:
    words = 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to '
    for method, path in (("GET", "/swarm"), ("GET", "/services"), ("POST", "/secrets/create"), ("DELETE", "/nodes/x")):
        assert await _call(http, method, path) == (503, {"message": f"{words}swarm and try again."})
    assert await _call(http, "POST", "/swarm/leave") == (503, {"message": "This node is not part of a swarm"})
    assert (await _call(http, "POST", "/swarm/init"))[0] == 501
    assert await _call(http, "GET", "/plugins") == (200, [])
    assert await _call(http, "GET", "/plugins/a/b/json") == (404, {"message": 'plugin "a/b" not found'})
    assert (await _call(http, "POST", "/build/prune"))[1] == {"CachesDeleted": None, "SpaceReclaimed": 0}
